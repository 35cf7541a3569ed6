import ApiumCore

/// What INFO says about a server.
struct ServerInformation {
    private let fields: [Substring: Substring]

    init(_ text: String) {
        var fields: [Substring: Substring] = [:]
        for line in text.split(whereSeparator: \.isNewline) where !line.hasPrefix("#") {
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { fields[parts[0]] = parts[1] }
        }
        self.fields = fields
    }

    /// A field's value; `nil` when the server does not say it.
    subscript(name: String) -> String? { fields[name[...]].map(String.init) }

    /// - Throws: ``ApiumError`` `notAvailable` for a cluster, or a server older than 6.2.
    func check() throws {
        if fields["cluster_enabled"] == "1" {
            throw ApiumError(.notAvailable, "the Redis server is part of a cluster; Apium needs a single server (or a primary with replicas)")
        }
        let version = fields["redis_version"].map { $0.split(separator: ".").map { Int($0) ?? 0 } } ?? []
        guard let major = version.first else { return }
        if major < 6 || major == 6 && version.count > 1 && version[1] < 2 {
            throw ApiumError(.notAvailable, "the Redis server has version \(fields["redis_version"] ?? ""); Apium needs 6.2 or later, or Valkey")
        }
    }
}
