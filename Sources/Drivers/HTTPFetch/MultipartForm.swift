/// A `multipart/form-data` body (RFC 7578), for uploads.
public struct MultipartForm: Sendable {
    private let boundary: String
    private var parts: [UInt8] = []

    /// An empty form with a random boundary.
    public init() {
        // 128 random bits: a part that holds the boundary by chance is out of the question.
        boundary = "form-" + String(UInt64.random(in: .min ... .max), radix: 36) + String(UInt64.random(in: .min ... .max), radix: 36)
    }

    /// The value of the request's `Content-Type`.
    public var contentType: String { "multipart/form-data; boundary=\(boundary)" }

    /// Adds a text field.
    public mutating func add(name: String, value: String) {
        begin(disposition: "name=\"\(Self.quoted(name))\"", contentType: nil)
        parts += value.utf8
        parts += Array("\r\n".utf8)
    }

    /// Adds a file.
    public mutating func add(name: String, filename: String, contentType: String, bytes: [UInt8]) {
        begin(disposition: "name=\"\(Self.quoted(name))\"; filename=\"\(Self.quoted(filename))\"", contentType: contentType)
        parts += bytes
        parts += Array("\r\n".utf8)
    }

    /// The body with its closing boundary.
    public func encoded() -> [UInt8] {
        parts + Array("--\(boundary)--\r\n".utf8)
    }

    private mutating func begin(disposition: String, contentType: String?) {
        var head = "--\(boundary)\r\nContent-Disposition: form-data; \(disposition)\r\n"
        if let contentType { head += "Content-Type: \(Self.oneLine(contentType))\r\n" }
        parts += Array((head + "\r\n").utf8)
    }

    /// Names are quoted as browsers do it: a quote or a line end can't leave the quotes.
    private static func quoted(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "%22"
            case "\r": result += "%0D"
            case "\n": result += "%0A"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private static func oneLine(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.filter { $0 != "\r" && $0 != "\n" }))
    }
}
