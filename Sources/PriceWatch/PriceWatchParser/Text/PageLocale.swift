/// What a page's address and language say about ambiguous currency signs.
struct PageLocale: Sendable, Equatable {
    /// The last label of the host, in lower case; empty when unknown.
    var domain: String
    /// The first part of the page's `lang`, in lower case; empty when unknown.
    var language: String

    init(domain: String = "", language: String = "") {
        self.domain = domain
        self.language = language
    }

    init(host: String, lang: String?) {
        domain = host.split(separator: ".").last.map { $0.lowercased() } ?? ""
        language = lang.map { String($0.lowercased().prefix { $0.isLetter }) } ?? ""
    }
}
