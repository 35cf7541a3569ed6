import ApiumCore
import ApiumInspect
import DynamicJSON
import PriceWatchModel

/// Everything that is known of one job.
struct JobStory: Sendable {
    let explanation: Explanation
    let document: ResultDocument?
    /// What was set aside, if it was.
    let record: (shelf: Shelf, record: ShelvedRecord)?
    /// The job where it can be changed, if it waits or was set aside.
    let row: JobRow?
    let words: LiveWords

    /// Looks a job up.
    init(_ id: String, _ inspector: Inspector, _ words: LiveWords) async throws {
        self.words = words
        explanation = try await inspector.explain(id)
        document = try await inspector.results.document(for: id)
        record = try await Self.record(id, inspector.broker)
        row = try await Self.changeable(id, JobDesk(inspector))
    }

    /// The job where it can be changed: where it waits, or else where it was set aside.
    ///
    /// - Parameter place: there and nowhere else: a button that is pressed late does not change the job in its next place.
    static func changeable(_ id: String, at place: JobPlace? = nil, _ desk: JobDesk) async throws -> JobRow? {
        let rows = try await desk.find([id]).filter { $0.place == place ?? $0.place }
        return rows.first { $0.waiting != nil } ?? rows.first { $0.place.shelf != nil }
    }

    /// The record of a job that was set aside.
    static func record(_ id: String, _ broker: any Broker) async throws -> (shelf: Shelf, record: ShelvedRecord)? {
        for shelf in Shelf.allCases {
            if let record = try await broker.record(id, in: shelf) { return (shelf, record) }
        }
        return nil
    }

    private var message: Message? { explanation.message ?? record.flatMap { try? Message(decoding: $0.record.payload) } }
    var task: String? { explanation.task ?? message?.task ?? document?.extra["name"]?.stringValue ?? record?.record.task }
    private var isUnknown: Bool { if case .unknown = explanation.standing { document == nil && record == nil } else { false } }
    private func text(_ key: String) -> String { Texts.text(key, words.language) }

    /// Whether there is still something that can be cancelled.
    private var mayCancel: Bool {
        switch explanation.standing {
        case .ready, .scheduled, .held, .inFlight, .follows, .waitsForParts, .outOfSight: true
        case .shelved, .revoked, .ended, .unknown: false
        }
    }

    private var tone: String {
        switch explanation.standing {
        case .inFlight: "good"
        case .shelved(let place): place.shelf == .parked ? "warn" : "bad"
        case .ended(let end): end.state == .success ? "good" : end.state.isException ? "bad" : ""
        case .held, .revoked: "warn"
        default: explanation.obstacles.isEmpty ? "" : "warn"
        }
    }

    /// The page's values.
    func values(mayChange: Bool) -> [String: Any?] {
        let arguments = try? message?.arguments()
        let failure = document.flatMap { $0.state.isException ? $0.failure.description : nil }
        let children = (document?.children ?? []).compactMap { ResultTuple(json: $0) }.flatMap { $0.members?.map(\.id) ?? [$0.id] }.filter {
            $0 != explanation.id
        }
        return [
            "id": explanation.id, "page": AdminPanel.jobLink(explanation.id), "state": text("kind_\(explanation.standing.kind)"), "tone": tone,
            "lines": lines, "mayChange": mayChange, "requeue": row.map { text("requeue_\($0.place.rawValue)") }, "place": row?.place.rawValue,
            "edit": row.flatMap { (try? EditableJob($0.payload, queue: $0.queue)) == nil ? nil : text($0.waiting == nil ? "editAndRetry" : "edit") },
            "mayDiscard": record != nil, "mayCancel": mayCancel, "times": times, "hasTimes": !times.isEmpty,
            "error": (failure ?? record?.record.reason)?.shortened(4000),
            "traceback": document?.traceback?.shortened(20_000), "hasArguments": arguments != nil,
            "args": arguments.flatMap { $0.args.isEmpty ? nil : JSONValue.array($0.args).pretty.shortened(20_000) },
            "kwargs": arguments.flatMap { $0.kwargs.isEmpty ? nil : JSONValue.object($0.kwargs).pretty.shortened(20_000) },
            "noArguments": arguments.map { $0.args.isEmpty && $0.kwargs.isEmpty } ?? false, "result": result, "facts": facts,
            "children": children.map { ["id": $0, "href": AdminPanel.jobLink($0)] as [String: Any] }, "hasChildren": !children.isEmpty,
            "message": message.map { String(decoding: $0.encoded(), as: UTF8.self).shortened(20_000) }, "isUnknown": isUnknown,
        ]
    }

    /// The explanation, a line each; what it is about stands above it on the page.
    private var lines: [String] {
        let text = explanation.text(in: words.inspecting)
        let head = explanation.id + (explanation.task.map { " (\($0))" } ?? "") + ": "
        return (text.hasPrefix(head) ? text.dropFirst(head.count) : text[...]).split(separator: "\n").map { String($0).trimmingBlanks }
    }

    private var result: String? {
        guard let document, document.state.isReady, !document.state.isException, document.state != .revoked else { return nil }
        return document.result.pretty.shortened(20_000)
    }

    // MARK: What happened when

    private var times: [[String: Any]] {
        var times: [(key: String, at: Timestamp, tone: String)] = []
        if let sent = message?.sentAt { times.append(("time_sent", sent, "")) }
        if let eta = message?.headers.eta.flatMap({ Timestamp(iso8601: $0) }) { times.append(("time_eta", eta, "")) }
        for standing in [explanation.standing] + explanation.others {
            switch standing {
            case .scheduled(let place): times.append((place.cause == .asked ? "time_due" : "time_retry", place.due, "warn"))
            case .inFlight(let place): if let since = place.since { times.append(("time_runs", since, "good")) }
            case .shelved(let place): times.append(("time_\(place.shelf.rawValue)", place.at, place.shelf == .parked ? "warn" : "bad"))
            case .ended(let end): if let at = end.at { times.append(("time_ended", at, end.state == .success ? "good" : "bad")) }
            default: break
            }
        }
        return times.sorted { $0.at < $1.at }.map { key, at, tone in
            ["label": text(key), "time": words.time(at) + " UTC", "distance": words.distance(at, at: explanation.at), "tone": tone]
        }
    }

    // MARK: Facts

    /// How often the job has begun to run, the present run included; nil where nothing is known of it. A message counts the retries
    /// before it, so that one which waits for its first run has none.
    private var runs: Int? {
        if let record { return record.record.attempts }
        guard let headers = message?.headers else { return nil }
        let hasBegun = ([explanation.standing] + explanation.others).contains {
            switch $0 {
            case .inFlight, .ended: true
            default: false
            }
        }
        return headers.retries + (hasBegun ? 1 : 0)
    }

    private var facts: [[String: Any]] {
        var facts: [[String: Any]] = []
        func add(_ key: String, _ value: String?, _ href: String? = nil) {
            guard let value, !value.isEmpty else { return }
            var fact: [String: Any] = ["label": text(key), "value": value.shortened(500)]
            // An absent member would be looked for in the page's own values.
            fact["href"] = href ?? false
            facts.append(fact)
        }
        func addJob(_ key: String, _ id: String?) {
            guard let id, id != explanation.id else { return }
            add(key, id, AdminPanel.jobLink(id))
        }
        let headers = message?.headers
        add("queue", record?.record.queue ?? message?.properties.routingKey ?? document?.extra["queue"]?.stringValue)
        add("state", document?.state.rawValue)
        add("worker", document?.extra["worker"]?.stringValue)
        add("attempts", runs.map(String.init))
        add("crashes", message.flatMap { $0.crashes > 0 ? String($0.crashes) : nil })
        add("priority", message.map { String($0.properties.priority) })
        add("expires", headers?.expires)
        add("timeLimits", [headers?.timeLimits.hard, headers?.timeLimits.soft].compactMap { $0 }.map(words.duration).joined(separator: ", "))
        add("origin", headers?.origin)
        addJob("parentJob", headers?.parentID ?? document?.parentID)
        addJob("rootJob", headers?.rootID)
        add("group", headers?.group ?? document?.groupID)
        return facts
    }
}
