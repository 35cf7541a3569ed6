import DynamicJSON
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore

extension APIResponder {
    // MARK: Requests

    /// The query's parameters; unknown and repeated ones are refused.
    static func query(_ target: RequestTarget, _ operation: OperationDescription) throws(APIError) -> [String: String] {
        let known = operation.parameters.filter { $0.place == .query }.map(\.name)
        var values: [String: String] = [:]
        for (name, value) in target.query {
            guard known.contains(name) else {
                let words = known.isEmpty ? "there are none here" : "there are \(known.joined(separator: ", "))"
                throw APIError(.invalidField, "no such query parameter; \(words)", field: name.prefixed(64))
            }
            guard values.updateValue(value, forKey: name) == nil else { throw APIError(.invalidField, "\(name) stands there twice", field: name) }
        }
        return values
    }

    /// The JSON body, within its bounds.
    static func body(_ request: Request) async throws -> JSONValue {
        let type = request.headers[.contentType] ?? ""
        guard isJSON(type) else { throw APIError(.unsupportedMediaType, "the body must be application/json in UTF-8", field: "Content-Type") }
        guard (request.headers[.contentEncoding] ?? "identity").lowercased() == "identity" else {
            throw APIError(.unsupportedMediaType, "the body must not be compressed", field: "Content-Encoding")
        }
        let tooLarge = APIError(.tooLarge, "the body may have at most \(Limits.body) bytes")
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > Limits.body { throw tooLarge }
        let bytes: ByteBuffer
        do {
            bytes = try await request.body.collect(upTo: Limits.body)
        } catch is NIOTooManyBytesError {
            throw tooLarge
        }
        do {
            return try JSONValue(parsing: bytes.readableBytesView, limits: JSONLimits(bytes: Limits.body, depth: Limits.depth))
        } catch {
            throw APIError(.invalidJSON, "the body is no JSON that is taken here: \(error.description.prefixed(300))")
        }
    }

    /// `application/json`, alone or with `charset=utf-8`.
    static func isJSON(_ contentType: String) -> Bool {
        let parts = contentType.lowercased().split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" && $0 != "\"" } }
        guard parts.first == "application/json" else { return false }
        return parts.dropFirst().allSatisfy { !$0.hasPrefix("charset=") || $0 == "charset=utf-8" }
    }

    /// Whether what the operation answers is acceptable. `*/*`, no field at all, or the type itself with a weight above 0.
    static func checkAccept(_ request: Request, _ operation: OperationDescription) throws(APIError) {
        let fields = request.headers[values: .accept]
        guard !fields.isEmpty, let type = operation.replies.compactMap(\.mediaType).first else { return }
        let family = type.prefix { $0 != "/" } + "/*"
        for range in fields.flatMap({ $0.split(separator: ",") }) {
            let parts = range.lowercased().split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" } }
            guard let name = parts.first, name == "*/*" || name == type || name == family else { continue }
            let weight = parts.dropFirst().first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) } ?? 1
            if weight > 0 { return }
        }
        throw APIError(.notAcceptable, "this is answered as \(type)", field: "Accept")
    }

    /// The id that a proxy gave, if it is one that may stand in a log, or a new one.
    static func requestID(_ request: Request) -> String {
        if let given = request.headers[.requestID], (8...64).contains(given.utf8.count), StringRule.Alphabet.identifier.admits(given) { return given }
        return String(UInt64.random(in: 0...UInt64.max), radix: 36)
    }

    // MARK: Responses

    static func response(_ answer: Answer) -> Response {
        var headers = HTTPFields()
        for (name, value) in answer.headers { if let name = HTTPField.Name(name) { headers[name] = value } }
        let status = HTTPResponse.Status(code: answer.status)
        switch answer.body {
        case .none: return Response(status: status, headers: headers)
        case .json(let value): return response(status, value, headers)
        case .text(let text, let mediaType):
            headers[.contentType] = mediaType
            return Response(status: status, headers: headers, body: .init(byteBuffer: ByteBuffer(string: text)))
        }
    }

    static func response(_ error: APIError) -> Response {
        var headers = HTTPFields()
        for (name, value) in error.headers { if let name = HTTPField.Name(name) { headers[name] = value } }
        return response(HTTPResponse.Status(code: error.code.status), error.body, headers)
    }

    private static func response(_ status: HTTPResponse.Status, _ value: JSONValue, _ headers: HTTPFields) -> Response {
        var headers = headers
        headers[.contentType] = "application/json"
        if headers[.cacheControl] == nil { headers[.cacheControl] = "no-store" }
        return Response(status: status, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: value.encoded())))
    }

    /// The header of a response to HEAD: with the length that GET has.
    static func withLength(_ response: Response) -> HTTPFields {
        var headers = response.headers
        if let length = response.body.contentLength { headers[.contentLength] = String(length) }
        return headers
    }
}

extension HTTPField.Name {
    /// What a proxy and this server call a request in their logs.
    static var requestID: HTTPField.Name { HTTPField.Name("X-Request-ID") ?? .via }
}
