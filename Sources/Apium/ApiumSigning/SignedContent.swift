import ApiumCore
import DynamicJSON

/// A signed body on the wire: base 64 of five fields with the bytes 0 and 1 between them. Signer and signature are base 64 themselves; what is
/// signed is the last field alone.
struct SignedContent {
    /// The signer's certificate: its issuer's names and its serial number.
    var signer: String
    var signature: [UInt8]
    var contentType = Serializer.json.contentType
    var contentEncoding = Serializer.json.contentEncoding
    var body: [UInt8]

    init(signer: String, signature: [UInt8], body: [UInt8]) {
        self.signer = signer
        self.signature = signature
        self.body = body
    }

    /// - Throws: ``ApiumError`` `badSignature` when the bytes are not five fields.
    init(decoding bytes: [UInt8]) throws {
        guard let raw = Base64.decode(bytes), let fields = Self.fields(raw) else { throw Self.damaged }
        guard let name = Base64.decode(Array(fields[0])), let signature = Base64.decode(Array(fields[1])) else { throw Self.damaged }
        signer = String(decoding: name, as: UTF8.self)
        self.signature = signature
        contentType = String(decoding: fields[2], as: UTF8.self)
        contentEncoding = String(decoding: fields[3], as: UTF8.self)
        body = Array(fields[4])
    }

    func encoded() -> [UInt8] {
        var raw: [UInt8] = []
        for field in [Array(signer.utf8), signature] {
            Base64.encode(field, into: &raw)
            raw += Self.separator
        }
        raw += contentType.utf8 + Self.separator
        raw += contentEncoding.utf8 + Self.separator
        raw += body
        var bytes: [UInt8] = []
        Base64.encode(raw, into: &bytes)
        return bytes
    }

    /// What was signed. Neither its type nor its encoding is signed, so that nothing but JSON is read, whatever they say.
    ///
    /// - Throws: ``ApiumError`` `refusedContent` for another type, `malformedMessage` when it is no JSON.
    func value() throws -> JSONValue {
        guard contentType == Serializer.json.contentType, ["utf-8", "utf8", "us-ascii", "ascii"].contains(contentEncoding.lowercased()) else {
            throw ApiumError(.refusedContent, "what is signed is \(contentType.prefix(100)), \(contentEncoding.prefix(100)); only JSON in UTF-8 is read")
        }
        do {
            return try Serializer.json.decode(body)
        } catch {
            throw ApiumError(.malformedMessage, "what is signed is not JSON", underlying: error)
        }
    }

    private static let separator: [UInt8] = [0, 1]
    private static let damaged = ApiumError(.badSignature, "the body is said to be signed, but has no signature in Celery's form")

    /// The five fields; the last one may hold separators.
    private static func fields(_ raw: [UInt8]) -> [ArraySlice<UInt8>]? {
        var fields: [ArraySlice<UInt8>] = []
        var start = 0
        var index = 0
        while fields.count < 4, index + 1 < raw.count {
            if raw[index] == separator[0], raw[index + 1] == separator[1] {
                fields.append(raw[start..<index])
                index += 2
                start = index
            } else {
                index += 1
            }
        }
        guard fields.count == 4 else { return nil }
        return fields + [raw[start...]]
    }
}
