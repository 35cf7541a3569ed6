import Foundation

/// The latest calls of the bot, and those of them that broke a rule.
struct CallLog: Sendable {
    static let maximumCalls = 5_000
    static let maximumBreaches = 1_000

    private var calls: [JSONValue] = []
    private(set) var breaches: [JSONValue] = []
    /// The number of the next call.
    private(set) var next: Int64 = 1

    /// Polls that brought nothing are left out: they would drive everything else away.
    mutating func record(_ method: String, _ parameters: BotAPIParameters, status: Int, answer: JSONValue, isBreach: Bool) {
        if method.lowercased() == "getupdates", status == 200, answer["result"]?.array?.isEmpty == true { return }
        let call: JSONValue = [
            "number": .int(next), "method": .string(method), "chat_id": parameters.integer("chat_id").map { .int($0) } ?? .null,
            "time": .double(Date().timeIntervalSince1970), "parameters": parameters.json, "status": .int(Int64(status)), "answer": answer,
            "breach": .bool(isBreach),
        ]
        next += 1
        calls.append(call)
        if calls.count > Self.maximumCalls { calls.removeFirst(Self.maximumCalls / 10) }
        if isBreach {
            breaches.append(call)
            if breaches.count > Self.maximumBreaches { breaches.removeFirst() }
        }
    }

    /// Calls with at least this number.
    func since(_ number: Int64) -> [JSONValue] {
        calls.filter { ($0["number"]?.integer ?? 0) >= number }
    }
}
