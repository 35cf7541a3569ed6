import DynamicJSON

extension ApiumClient {
    /// The value of a result: of a group the list of its members' values.
    func value(of tuple: ResultTuple, within timeout: Duration) async throws -> JSONValue {
        let deadline = ContinuousClock.now + timeout
        do {
            let documents = try await documents(of: tuple.jobs, until: deadline, stopsAtFailure: true)
            return try Self.value(of: tuple, in: documents)
        } catch let failure as JobFailure {
            throw failures.error(for: failure)
        } catch let error as ApiumError where error.code == .timedOut {
            // It may never run, because a step before it was revoked: nobody tells the steps after that one.
            let cause = try? await Deadline.run(.now + .seconds(1)) { try await self.failure(before: tuple) }
            if let cause { throw failures.error(for: cause) }
            throw error
        }
    }

    /// The value of what is there.
    /// - Throws: the failure of the first of its jobs that has failed.
    static func value(of tuple: ResultTuple, in documents: [String: ResultDocument]) throws -> JSONValue {
        if let failed = tuple.jobs.lazy.compactMap({ documents[$0] }).first(where: { $0.state != .success }) { throw failed.failure }
        return tuple.value(documents)
    }

    /// Waits for many results: all are read in one round trip, and only those that are not ready are waited for, over one connection.
    ///
    /// - Throws: ``ApiumError`` `timedOut`, naming one that is not ready.
    func documents(of ids: [String], until deadline: ContinuousClock.Instant, stopsAtFailure: Bool) async throws -> [String: ResultDocument] {
        if ids.count == 1, let id = ids.first {
            guard let document = try await results.wait(for: id, within: max(deadline - ContinuousClock.now, .zero)) else { throw notInTime(id) }
            return [id: document]
        }
        guard let first = ids.first else { return [:] }
        var found: [String: ResultDocument] = [:]
        // Whose time is over already may look once.
        let reading = max(deadline, .now + .milliseconds(100))
        guard let documents = try await Deadline.run(reading, { try await results.documents(for: ids) }) else { throw notInTime(first) }
        for (id, document) in zip(ids, documents) where document?.state.isReady == true { found[id] = document }
        let missing = Set(ids).subtracting(found.keys)
        if missing.isEmpty || stopsAtFailure && found.values.contains(where: { $0.state != .success }) { return found }
        try await withThrowingTaskGroup(of: (String, ResultDocument?).self) { group in
            defer { group.cancelAll() }
            for id in missing {
                group.addTask { (id, try await results.wait(for: id, within: max(deadline - ContinuousClock.now, .zero))) }
            }
            for try await (id, document) in group {
                guard let document else { throw notInTime(id) }
                found[id] = document
                if stopsAtFailure, document.state != .success { return }
            }
        }
        return found
    }

    private func notInTime(_ id: String) -> ApiumError { ApiumError(.timedOut, "job \(id) has no result in time") }

    /// The first failure among the steps before a result.
    private func failure(before tuple: ResultTuple) async throws -> JobFailure? {
        var ids: [String] = []
        var next = tuple.parent
        while let step = next {
            ids += step.jobs
            next = step.parent
        }
        guard !ids.isEmpty else { return nil }
        return try await results.documents(for: ids.reversed()).lazy.compactMap { $0 }.first { $0.state.isReady && $0.state != .success }?.failure
    }

    /// A stored value as a type.
    func decode<Output: Decodable>(_ type: Output.Type, from value: JSONValue, of tuple: ResultTuple) throws -> Output {
        do {
            return try JSONValueDecoder().decode(Output.self, from: value)
        } catch {
            throw ApiumError(.badResult, "the result of \(tuple.id) is not a \(Output.self)", underlying: error)
        }
    }
}

extension ResultDocument {
    /// The failure of a document whose state is an exception's.
    public var failure: JobFailure {
        JobFailure(value: result) ?? JobFailure(type: state.rawValue, arguments: [result], module: "celery.exceptions")
    }
}
