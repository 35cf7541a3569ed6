import Mustache

/// Text as it stands in a page. Escaped scalar by scalar: to Swift a mark that joins what follows or precedes it is one character with a `<` or `"`, which
/// a browser sees all the same, so what works by characters lets it through (as the template engine's own escaping does).
enum PageText {
    /// Text within markup or a quoted attribute.
    static func escaped(_ text: String) -> String {
        replacing(text) { scalar in
            switch scalar {
            case "&": "&amp;"
            case "<": "&lt;"
            case ">": "&gt;"
            case "\"": "&quot;"
            case "'": "&#39;"
            default: nil
            }
        }
    }

    /// JSON within a script element.
    static func embedded(_ json: String) -> String { replacing(json) { $0 == "<" ? "\\u003c" : nil } }

    /// A text in which each scalar is itself, or what `replacement` says.
    static func replacing(_ text: String, _ replacement: (Unicode.Scalar) -> String?) -> String {
        var result = String.UnicodeScalarView()
        result.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            if let replacement = replacement(scalar) { result.append(contentsOf: replacement.unicodeScalars) } else { result.append(scalar) }
        }
        return String(result)
    }
}

/// How templates escape what they show.
struct PageContentType: MustacheContentType {
    /// What stands in front of each template.
    static let pragma = "{{% CONTENT_TYPE: \(name)}}"
    private static let name = "PAGE"

    /// Makes it known to the template engine. Before templates are compiled.
    static func register() { MustacheContentTypes.register(PageContentType(), named: name) }

    func escapeText(_ text: String) -> String { PageText.escaped(text) }
}
