import Hummingbird
import NIOCore
import PriceWatchModel

/// What a page needs of a request, read once.
struct AdminRequest: Sendable {
    /// The parts of the path below `/admin`.
    let path: [String]
    let query: [String: String]
    let form: [String: String]
    let cookies: [String: String]
    let isPost: Bool
    let language: Language
    /// The browser's address, as nginx saw it.
    let address: String
    /// The page's own path with its query, to come back to.
    let location: String

    static let bodyLimit = 64 * 1024

    /// Reads a request.
    ///
    /// - Throws: ``PageFault`` for methods and bodies that no page takes.
    init(_ request: Request, address: String) async throws {
        guard request.method == .get || request.method == .head || request.method == .post else { throw PageFault.method }
        isPost = request.method == .post
        let target = request.head.path ?? "/admin"
        let halves = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        path = try halves[0].split(separator: "/").dropFirst().map {
            guard let part = FormText.decode($0, plusIsBlank: false) else { throw PageFault.notFound }
            return part
        }
        query = try FormText.parse(halves.count == 2 ? String(halves[1]) : "")
        cookies = Self.cookies(request.headers[.cookie] ?? "")
        language = Self.language(cookies["pricewatch_language"], request.headers[.acceptLanguage])
        location = target
        self.address = address
        guard isPost else {
            form = [:]
            return
        }
        guard request.headers[.contentType]?.lowercased().hasPrefix("application/x-www-form-urlencoded") == true else { throw PageFault.mediaType }
        let body: ByteBuffer
        do { body = try await request.body.collect(upTo: Self.bodyLimit) } catch { throw PageFault.tooLarge }
        form = try FormText.parse(String(buffer: body))
    }

    private static func cookies(_ header: String) -> [String: String] {
        var cookies: [String: String] = [:]
        for pair in header.split(separator: ";") {
            let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if halves.count == 2 { cookies[String(halves[0]).trimmingBlanks] = String(halves[1]).trimmingBlanks }
        }
        return cookies
    }

    /// The chosen language, else the first of the browser's that is one of ours, else English.
    private static func language(_ chosen: String?, _ accepted: String?) -> Language {
        if let chosen = chosen.flatMap(Language.init(rawValue:)) { return chosen }
        for tag in (accepted ?? "").split(separator: ",") {
            let code = String(tag.split(separator: ";").first ?? "").trimmingBlanks.lowercased()
            if let language = Language.allCases.first(where: { code == $0.rawValue || code.hasPrefix($0.rawValue + "-") }) { return language }
        }
        return .english
    }
}

/// The encoding of forms and queries.
enum FormText {
    /// Pairs by name; of names given twice the last counts.
    static func parse(_ text: String) throws -> [String: String] {
        var values: [String: String] = [:]
        for pair in text.split(separator: "&").prefix(200) {
            let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = decode(halves[0]), let value = decode(halves.count == 2 ? halves[1] : "") else { throw PageFault.badRequest }
            values[name] = value
        }
        return values
    }

    /// Percent-decodes; `nil` for a broken escape, for bytes that are no UTF-8, and for NUL, which Postgres cannot store.
    static func decode(_ text: Substring, plusIsBlank: Bool = true) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+") where plusIsBlank: bytes.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(hexadecimal), let low = rest.popFirst().flatMap(hexadecimal) else { return nil }
                bytes.append(high << 4 | low)
            default: bytes.append(byte)
            }
        }
        return bytes.contains(0) ? nil : String(validating: bytes, as: UTF8.self)
    }

    /// Percent-encodes a value for a query.
    static func encode(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "~"):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default: result += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return result
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt8? { Character(Unicode.Scalar(byte)).hexDigitValue.map(UInt8.init) }
}

/// Why a request gets no page; each has its status and its words.
enum PageFault: String, Error, Sendable {
    case badRequest, notFound, forbidden, csrf, method, mediaType, tooLarge, conflict, unavailable

    var status: HTTPResponse.Status {
        switch self {
        case .badRequest: .badRequest
        case .notFound: .notFound
        case .forbidden, .csrf: .forbidden
        case .method: .methodNotAllowed
        case .mediaType: .unsupportedMediaType
        case .tooLarge: .contentTooLarge
        case .conflict: .conflict
        case .unavailable: .serviceUnavailable
        }
    }
}
