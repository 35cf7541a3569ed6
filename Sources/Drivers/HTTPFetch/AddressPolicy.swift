/// Where a fetcher may connect to.
///
/// A fetcher that follows links of strangers takes ``publicInternet``; one that talks to a fixed, trusted base may take
/// ``anywhere``. The policy is applied to the link's text, to the numeric address at the moment of connecting, on every hop of
/// a redirect chain, and once more to the peer's address before anything of the answer is used: a pooled connection is never
/// opened again, so the second look is what guards reuse.
public struct AddressPolicy: Sendable {
    /// A host that is excepted from the rules; `port` nil means any port.
    struct Exception: Sendable, Hashable {
        var host: String
        var port: UInt16?
    }

    let isAnywhere: Bool
    private let exceptions: Set<Exception>

    private init(isAnywhere: Bool, exceptions: Set<Exception> = []) {
        self.isAnywhere = isAnywhere
        self.exceptions = exceptions
    }

    /// No restriction. For bases from the configuration only, never for links of strangers.
    public static let anywhere = AddressPolicy(isAnywhere: true)

    /// Public addresses only, on the ports that the fetcher's configuration lists.
    public static let publicInternet = AddressPolicy(isAnywhere: false)

    /// Public addresses, and beside them the listed hosts wherever they resolve to.
    /// - Parameter allowing: `host` (any port) or `host:port`; IPv6 literals in brackets. For test hosts; empty by default.
    /// - Throws: ``FetchError`` with code `badURL` when an entry is neither.
    public static func publicInternet(allowing: [String]) throws(FetchError) -> AddressPolicy {
        var exceptions: Set<Exception> = []
        for entry in allowing { exceptions.insert(try Exception(entry)) }
        return AddressPolicy(isAnywhere: false, exceptions: exceptions)
    }

    /// Whether the address's host is excepted from the rules.
    func excepts(_ url: FetchURL) -> Bool {
        isAnywhere || exceptions.contains(Exception(host: url.host, port: nil)) || exceptions.contains(Exception(host: url.host, port: url.port))
    }

    /// What can be refused from the text alone: ports, names that are local by definition, literals of special ranges.
    func check(_ url: FetchURL, ports: Set<UInt16>) throws(FetchError) {
        if excepts(url) { return }
        guard ports.contains(url.port) else {
            throw FetchError(.refusedAddress, "port \(url.port) of \(url.host) is not fetched from; allowed are \(ports.sorted())")
        }
        if let literal = url.literal {
            guard literal.isPublic else {
                throw FetchError(.refusedAddress, "\(url.host) is not an address of the public internet")
            }
        } else if Self.isLocalName(url.host) {
            throw FetchError(.refusedAddress, "\(url.host) is a name of a local network, not of the public internet")
        }
    }

    /// Names that never mean a public host: those of one label (compose services, `localhost`) and the special-use domains.
    private static func isLocalName(_ host: String) -> Bool {
        if !host.contains(".") { return true }
        return ["localhost", "local", "internal", "intranet", "lan", "home", "corp", "arpa", "onion", "test", "invalid", "example"]
            .contains { host.hasSuffix("." + $0) }
    }
}

extension AddressPolicy.Exception {
    init(_ entry: String) throws(FetchError) {
        let url: FetchURL
        do {
            url = try FetchURL("http://" + entry)
        } catch {
            throw FetchError(.badURL, "'\(entry)' in the list of allowed hosts is neither host nor host:port")
        }
        guard url.target == "/", !entry.hasSuffix("/") else {
            throw FetchError(.badURL, "'\(entry)' in the list of allowed hosts has a path; write host or host:port")
        }
        self.init(host: url.host, port: url.hasPort ? url.port : nil)
    }
}
