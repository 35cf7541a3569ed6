import Foundation

/// A `multipart/form-data` body (RFC 7578), cut into its parts. Only what bots send: name, optional file name, bytes.
struct MultipartBody {
    struct Part: Equatable {
        var name: String
        var fileName: String?
        var bytes: Data
    }

    var parts: [Part] = []

    /// `nil` when the boundary is missing, a part has no name, or the closing delimiter never comes.
    init?(contentType: String, body: Data) {
        guard let boundary = Self.attribute("boundary", in: contentType), !boundary.isEmpty, boundary.utf8.count <= 70 else { return nil }
        let delimiter = Data("\r\n--\(boundary)".utf8)
        // The first delimiter has no line end before it; with one put there, all delimiters are alike.
        let bytes = Data("\r\n".utf8) + body
        guard var delimiterRange = bytes.range(of: delimiter) else { return nil }
        while true {
            let rest = bytes[delimiterRange.upperBound...]
            if rest.starts(with: Data("--".utf8)) { return }
            guard let headEnd = rest.range(of: Data("\r\n\r\n".utf8)), let next = bytes.range(of: delimiter, in: headEnd.lowerBound..<bytes.endIndex),
                let part = Self.part(head: rest[..<headEnd.lowerBound], bytes: bytes[min(headEnd.upperBound, next.lowerBound)..<next.lowerBound])
            else { return nil }
            parts.append(part)
            delimiterRange = next
        }
    }

    private static func part(head: Data, bytes: Data) -> Part? {
        for line in String(decoding: head, as: UTF8.self).split(separator: "\r\n") where line.lowercased().hasPrefix("content-disposition:") {
            guard let name = attribute("name", in: String(line)) else { return nil }
            return Part(name: name, fileName: attribute("filename", in: String(line)), bytes: Data(bytes))
        }
        return nil
    }

    /// The value of `key=value` or `key="value"` in a header.
    private static func attribute(_ key: String, in header: String) -> String? {
        for piece in header.split(separator: ";").dropFirst() {
            let sides = piece.split(separator: "=", maxSplits: 1)
            guard sides.count == 2, sides[0].trimmingCharacters(in: .whitespaces).lowercased() == key else { continue }
            return sides[1].trimmingCharacters(in: CharacterSet(charactersIn: "\" \t"))
        }
        return nil
    }
}
