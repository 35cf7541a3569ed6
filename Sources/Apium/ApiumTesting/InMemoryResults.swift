import ApiumCore
import DynamicJSON

/// Results in memory, stored beside the jobs of an ``InMemoryBroker``.
public struct InMemoryResults: ResultBackend {
    let core: BrokerCore

    public func store(_ document: ResultDocument) async throws { core.change { state, _ in state.store(document) } }

    public func document(for id: String) async throws -> ResultDocument? { try core.read { state, _ in try state.document(id) } }

    public func documents(for ids: [String]) async throws -> [ResultDocument?] { try core.read { state, _ in try ids.map(state.document) } }

    public func wait(for id: String, within timeout: Duration) async throws -> ResultDocument? {
        let core = core
        // What is there is answered whatever the timeout: below, a timeout of zero could win against it.
        if let document = try core.read({ state, _ in try state.document(id) }), document.state.isReady { return document }
        return try await withThrowingTaskGroup(of: ResultDocument?.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await core.waitUntil { state, _ in try state.document(id).flatMap { $0.state.isReady ? $0 : nil } } }
            group.addTask {
                try await core.clock.pause(for: timeout)
                return nil
            }
            return try await group.next() ?? nil
        }
    }

    public func forget(_ id: String) async throws { core.change { state, _ in state.results[id] = nil } }

    // MARK: Groups and chords

    public func saveGroup(_ id: String, _ tuple: JSONValue) async throws { core.change { state, _ in state.groups[id] = tuple } }

    public func savedGroup(_ id: String) async throws -> JSONValue? { core.read { state, _ in state.groups[id] } }

    public func open(_ chords: [ChordSetup]) async throws { core.change { state, _ in state.open(chords) } }

    public func expectMore(_ count: Int, partsOf group: String) async throws { core.change { state, _ in state.expectMore(count, partsOf: group) } }

    public func bring(_ parts: [ChordPart]) async throws -> [ChordClaim] { core.change { $0.bring(parts, at: $1) } }

    public func resume(_ claim: ChordClaim) async throws -> Bool { core.change { $0.resume(claim, at: $1) } }

    public func content(of group: String) async throws -> ChordContent { core.read { state, _ in state.content(of: group) } }

    public func close(_ claim: ChordClaim) async throws -> Bool { core.change { $0.close(claim, at: $1) } }

    public func abandon(_ group: String) async throws { core.change { state, _ in state.abandon(group) } }
}
