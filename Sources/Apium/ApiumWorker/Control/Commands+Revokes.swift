import ApiumCore
import DynamicJSON
import Glibc

extension CommandTable {
    mutating func addRevokes() {
        inspect("revoked", "dump_revoked") { _, worker in .array(worker.control.revoked.sorted().map { .string($0) }) }
        control("revoke", required: ["task_id"], optional: ["terminate", "signal"]) { call, controls in
            .ok(.string(try await controls.revoke(call.uniqueTexts("task_id"), terminate: call.termination(call.isTrue("terminate")))))
        }
        control("terminate", required: ["signal", "task_id"]) { call, controls in
            .ok(.string(try await controls.revoke(call.uniqueTexts("task_id"), terminate: call.termination(true))))
        }
        control("revoke_by_stamped_headers", required: ["headers"], optional: ["terminate", "signal"]) { call, controls in
            .ok(.string(controls.revokeStamped(try call.stamps("headers"), terminate: try call.termination(call.isTrue("terminate")))))
        }
        control("hello", required: ["from_node"], optional: ["revoked"]) { call, controls in
            guard try call.text("from_node") != controls.name else { return .reply(.null) }
            // Celery before 5.7 sends an object of ids, with when they were revoked.
            let ids = call["revoked"]?.objectValue.map { Array($0.keys) } ?? call.texts("revoked")
            if !ids.isEmpty { try await controls.takeOver(ids) }
            let known = controls.snapshot().control.revoked.sorted().map { JSONValue.string($0) }
            return .reply(["revoked": .array(known), "clock": .int(controls.clock.forward())])
        }
    }
}

extension CommandCall {
    /// One text or a list, each once, in the order given.
    func uniqueTexts(_ name: String) -> [String] {
        var seen: Set<String> = []
        return texts(name).filter { seen.insert($0).inserted }
    }

    /// The signal to terminate by, if that is wanted: a number, or a name with or without `SIG`. Default: SIGTERM.
    ///
    /// - Throws: ``JobFailure`` `ValueError` when there is no such signal.
    func termination(_ isWanted: Bool) throws -> Int32? {
        guard isWanted else { return nil }
        switch self["signal"] {
        case nil, .null?: return SIGTERM
        case .int(let number)? where (1...64).contains(number): return Int32(number)
        case .string(let name)?:
            if let number = ChildEnd.signal(named: name) { return number }
        default: break
        }
        throw JobFailure(type: "ValueError", arguments: [.string("there is no signal \(self["signal"]?.text ?? "")")])
    }

    /// Stamps: an object of values or lists of values, or a list of `name=value`.
    ///
    /// - Throws: ``JobFailure`` `TypeError` when it is neither.
    func stamps(_ name: String) throws -> [String: JSONValue] {
        switch self[name] {
        case .object(let members)?: return members
        case .array(let list)?:
            let pairs = list.compactMap(\.stringValue).map { $0.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init) }
            guard pairs.count == list.count, pairs.allSatisfy({ $0.count == 2 }) else { break }
            return Dictionary(pairs.map { ($0[0], .string($0[1])) }) { $1 }
        default: break
        }
        throw JobFailure(type: "TypeError", arguments: [.string("\(command)() argument '\(name)' must be an object of stamps or a list of name=value")])
    }
}

extension WorkerControls {
    /// Takes a revoke over into the broker's state, so that it holds on every worker and after all of them have gone; writes
    /// REVOKED at once where nothing has begun (celery-wire 12.3). Answers Celery's text.
    func revoke(_ ids: [String], terminate: Int32?) async throws -> String {
        let running = Set(snapshot().active.map(\.message.id))
        if let terminate { self.terminate(by: terminate, ControlState(terminated: Set(ids))) }
        if !ids.isEmpty { try await order(Revocation(ids: ids, terminate: terminate != nil, by: "remote control")) }
        await markRevoked(ids.filter { !running.contains($0) })
        guard terminate != nil else { return "tasks \(PythonSet.text(ids)) flagged as revoked" }
        let known = ids.filter(running.contains)
        return known.isEmpty ? "terminate: tasks unknown" : "terminate: \(known.joined(separator: ", "))"
    }

    /// The same by stamp, for as long as this worker lives: every worker was told, and keeps it as Celery's do. Of jobs under way only
    /// those that are terminated end.
    func revokeStamped(_ stamps: [String: JSONValue], terminate: Int32?) -> String {
        let lists = stamps.mapValues { value in value.arrayValue ?? [value] }
        status.revoke(stamps: lists)
        let running = snapshot().active
        let text = PythonSet.dictionary(stamps)
        guard let terminate else { return "headers \(text) flagged as revoked, but not terminated" }
        let wanted = ControlState(terminatedStamps: lists.mapValues { Set($0) })
        self.terminate(by: terminate, wanted)
        var matched: [String: Set<JSONValue>] = [:]
        for job in running where wanted.stops(job.message) {
            for (name, values) in wanted.terminatedStamps {
                let own = job.message.headers.stamps?[name].map { $0.arrayValue ?? [$0] } ?? []
                let common = values.intersection(own)
                if !common.isEmpty { matched[name, default: []].formUnion(common) }
            }
        }
        if matched.isEmpty { return "headers \(text) were not terminated" }
        let pairs = matched.sorted { $0.key < $1.key }.map { name, values in
            "\(PythonText.text(.string(name))): {\(values.map { PythonText.text($0) }.sorted().joined(separator: ", "))}"
        }
        return "headers {\(pairs.joined(separator: ", "))} revoked"
    }

    /// Stops what runs here by the signal that was asked for, before the broker's state, which knows of no signals, does it by SIGTERM.
    private func terminate(by signal: Int32, _ wanted: ControlState) {
        status.session?.running.stop(.revoked(signal: signal)) { wanted.stops($0) }
    }

    /// REVOKED for jobs that have not begun and have no end yet. One that has begun elsewhere, or has a state of its own, is left to
    /// whoever runs it.
    private func markRevoked(_ ids: [String]) async {
        let waiting: Set<JobState> = [.pending, .received, .retry, .rejected]
        for id in ids {
            do {
                let state = try await results.document(for: id)?.state ?? .pending
                guard waiting.contains(state) else { continue }
                let failure = JobFailure(type: "TaskRevokedError", arguments: ["revoked"], module: "celery.exceptions")
                try await results.store(ResultDocument(id: id, state: .revoked, result: failure.value, dateDone: now()))
            } catch {
                logger.warning("a revoked job's state could not be stored", metadata: ["job": "\(id)", "error": "\(error)"])
            }
        }
    }
}

/// Python's text forms that have no bound on their length, for what Celery's callers read.
enum PythonSet {
    static func text(_ items: [String]) -> String {
        items.isEmpty ? "set()" : "{\(items.map { PythonText.text(.string($0)) }.joined(separator: ", "))}"
    }

    static func dictionary(_ members: [String: JSONValue]) -> String {
        let pairs = members.sorted { $0.key < $1.key }.map { "\(PythonText.text(.string($0.key))): \(PythonText.text($0.value))" }
        return "{\(pairs.joined(separator: ", "))}"
    }
}
