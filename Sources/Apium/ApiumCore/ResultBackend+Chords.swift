import DynamicJSON

// Removed as soon as both backends have them.
extension ResultBackend {
    public func documents(for ids: [String]) async throws -> [ResultDocument?] {
        var documents: [ResultDocument?] = []
        for id in ids { documents.append(try await document(for: id)) }
        return documents
    }
    public func saveGroup(_ id: String, _ tuple: JSONValue) async throws { throw missing }
    public func savedGroup(_ id: String) async throws -> JSONValue? { throw missing }
    public func open(_ chords: [ChordSetup]) async throws { if !chords.isEmpty { throw missing } }
    public func expectMore(_ count: Int, partsOf group: String) async throws { throw missing }
    public func bring(_ parts: [ChordPart]) async throws -> [ChordClaim] { throw missing }
    public func resume(_ claim: ChordClaim) async throws -> Bool { throw missing }
    public func content(of group: String) async throws -> ChordContent { throw missing }
    public func close(_ claim: ChordClaim) async throws -> Bool { throw missing }
    public func abandon(_ group: String) async throws { throw missing }
    private var missing: ApiumError { ApiumError(.notAvailable, "this result backend keeps no chords") }
}
