import ApiumCore
import DynamicJSON

/// The results of a worker that dies by a script.
struct CrashingResults: ResultBackend {
    let results: InMemoryResults
    let script: CrashScript

    func store(_ document: ResultDocument) async throws {
        try await script.perform(.stored(document.state)) { try await results.store(document) }
    }

    func open(_ chords: [ChordSetup]) async throws { try await script.perform(.other("the opening of a chord")) { try await results.open(chords) } }

    func expectMore(_ count: Int, partsOf group: String) async throws {
        try await script.perform(.other("an addition to a chord")) { try await results.expectMore(count, partsOf: group) }
    }

    func saveGroup(_ id: String, _ tuple: JSONValue) async throws {
        try await script.perform(.other("the saving of a group")) { try await results.saveGroup(id, tuple) }
    }

    func forget(_ id: String) async throws { try await script.perform(.other("the deletion of a result")) { try await results.forget(id) } }

    func bring(_ parts: [ChordPart]) async throws -> [ChordClaim] {
        try await script.perform(.other("the bringing of chord parts")) { try await results.bring(parts) }
    }

    func close(_ claim: ChordClaim) async throws -> Bool {
        try await script.perform(.other("the end of a chord")) { try await results.close(claim) }
    }

    func abandon(_ group: String) async throws { try await script.perform(.other("the giving up of a chord")) { try await results.abandon(group) } }

    func document(for id: String) async throws -> ResultDocument? { try await alive { try await results.document(for: id) } }
    func documents(for ids: [String]) async throws -> [ResultDocument?] { try await alive { try await results.documents(for: ids) } }
    func savedGroup(_ id: String) async throws -> JSONValue? { try await alive { try await results.savedGroup(id) } }
    func resume(_ claim: ChordClaim) async throws -> Bool { try await alive { try await results.resume(claim) } }
    func content(of group: String) async throws -> ChordContent { try await alive { try await results.content(of: group) } }

    func wait(for id: String, within timeout: Duration) async throws -> ResultDocument? {
        try await alive { try await results.wait(for: id, within: timeout) }
    }

    private func alive<Value>(_ body: () async throws -> Value) async throws -> Value {
        try await script.live()
        return try await body()
    }
}
