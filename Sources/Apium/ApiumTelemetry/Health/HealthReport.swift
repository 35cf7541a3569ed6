/// One part that a process needs: what asks it, and how long an answer may take.
public struct HealthPart: Sendable {
    /// The part's name, for example `redis`.
    public var name: String
    /// After this time the part counts as not ready. Default: 2 seconds.
    public var timeout: Duration
    /// Asks the part; throws with the reason when it is not ready.
    public var check: @Sendable () async throws -> Void

    /// Names a part.
    public init(_ name: String, timeout: Duration = .seconds(2), check: @escaping @Sendable () async throws -> Void) {
        self.name = name
        self.timeout = timeout
        self.check = check
    }
}

/// Which parts are ready.
public struct HealthReport: Sendable, Hashable {
    /// One part's answer.
    public struct Part: Sendable, Hashable {
        /// The part's name.
        public var name: String
        /// Whether it answered in time.
        public var isReady: Bool
        /// Why not, in a few words; without addresses' passwords.
        public var reason: String?
    }

    /// The parts, in the order in which they were named.
    public var parts: [Part]

    /// Whether all are.
    public var isReady: Bool { parts.allSatisfy(\.isReady) }

    /// Asks all parts at once.
    public static func collect(_ parts: [HealthPart]) async -> HealthReport {
        let answers = await withTaskGroup(of: (Int, Part).self) { group in
            for (index, part) in parts.enumerated() { group.addTask { (index, await ask(part)) } }
            var answers: [(Int, Part)] = []
            for await answer in group { answers.append(answer) }
            return answers
        }
        return HealthReport(parts: answers.sorted { $0.0 < $1.0 }.map(\.1))
    }

    /// A check that ignores cancellation is not waited for: its task ends by itself.
    private static func ask(_ part: HealthPart) async -> Part {
        let (answers, answer) = AsyncStream.makeStream(of: Part.self, bufferingPolicy: .bufferingOldest(1))
        let check = Task {
            do {
                try await part.check()
                answer.yield(Part(name: part.name, isReady: true, reason: nil))
            } catch {
                answer.yield(Part(name: part.name, isReady: false, reason: String(String(describing: error).prefix(300))))
            }
        }
        let timer = Task {
            try await Task.sleep(for: part.timeout)
            answer.yield(Part(name: part.name, isReady: false, reason: "no answer within \(part.timeout)"))
        }
        defer {
            check.cancel()
            timer.cancel()
        }
        for await first in answers { return first }
        return Part(name: part.name, isReady: false, reason: "cancelled")
    }

    /// `{"ready":…,"parts":[{"name":…,"ready":…,"reason":…}]}`.
    public var json: String {
        var text = "{\"ready\":\(isReady),\"parts\":["
        for (index, part) in parts.enumerated() {
            if index > 0 { text += "," }
            text += "{\"name\":"
            LogLine.appendJSON(part.name, to: &text)
            text += ",\"ready\":\(part.isReady)"
            if let reason = part.reason {
                text += ",\"reason\":"
                LogLine.appendJSON(reason, to: &text)
            }
            text += "}"
        }
        return text + "]}\n"
    }
}
