/// The shop behind a link, by which checks are limited: its host in lower case, without port and a leading `www.`.
public struct ShopHost: Sendable, Hashable {
    /// The host.
    public let name: String

    /// Reads a link; `nil` when there is no host in it.
    public init?(link: String) {
        guard let scheme = link.firstRange(of: "://") else { return nil }
        let authority = link[scheme.upperBound...].prefix { !"/?#\\".contains($0) }
        var host = authority.split(separator: "@", omittingEmptySubsequences: false).last ?? ""
        if host.hasPrefix("[") {
            host = host.prefix { $0 != "]" }.dropFirst()
        } else {
            host = host.prefix { $0 != ":" }
        }
        let text = host.lowercased()
        name = text.hasPrefix("www.") ? String(text.dropFirst(4)) : text
        if name.isEmpty { return nil }
    }
}
