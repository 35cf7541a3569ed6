import DynamicJSON
import PriceWatchModel

/// Why a request was not done; every answer of 400 and above is one of these as JSON.
public struct APIError: Error, Sendable, Hashable {
    /// What kind of fault it is.
    public var code: Code
    /// What was wrong and what would be right.
    public var message: String
    /// The field, parameter or header it is about.
    public var field: String?
    /// Header fields that belong to it.
    var headers: [String: String] = [:]

    /// Makes an error.
    public init(_ code: Code, _ message: String, field: String? = nil) {
        self.code = code
        self.message = message
        self.field = field
    }

    /// The kinds of fault, each with its one status.
    public enum Code: String, Sendable, Hashable, CaseIterable {
        case badRequest = "bad_request"
        case invalidJSON = "invalid_json"
        case unauthorized
        case forbidden
        case notFound = "not_found"
        case methodNotAllowed = "method_not_allowed"
        case notAcceptable = "not_acceptable"
        case conflict
        case tooManyWatches = "too_many_watches"
        case tooLarge = "too_large"
        case unsupportedMediaType = "unsupported_media_type"
        case invalidField = "invalid_field"
        case unreadablePage = "unreadable_page"
        case upgradeRequired = "upgrade_required"
        case rateLimited = "rate_limited"
        case queueFull = "queue_full"
        case internalError = "internal_error"
        case unavailable

        /// The HTTP status.
        public var status: Int {
            switch self {
            case .badRequest, .invalidJSON: 400
            case .unauthorized: 401
            case .forbidden: 403
            case .notFound: 404
            case .methodNotAllowed: 405
            case .notAcceptable: 406
            case .conflict, .tooManyWatches: 409
            case .tooLarge: 413
            case .unsupportedMediaType: 415
            case .invalidField, .unreadablePage: 422
            case .upgradeRequired: 426
            case .rateLimited, .queueFull: 429
            case .internalError: 500
            case .unavailable: 503
            }
        }
    }

    /// A page that gave no price.
    static func unreadable(_ failure: ParseFailure) -> APIError {
        if failure == .parserUnavailable { return APIError(.unavailable, "the parser cannot be reached; try again") }
        return APIError(.unreadablePage, "the page behind the link gave no price: \(failure.rawValue)", field: "link")
    }

    /// Come again later: ``headers`` say when, in whole seconds.
    func retrying(after wait: Duration) -> APIError {
        var error = self
        error.headers["Retry-After"] = String(max(1, Int(wait.seconds.rounded(.up))))
        return error
    }

    /// The body of the answer.
    var body: JSONValue {
        var error: [String: JSONValue] = ["code": .string(code.rawValue), "message": .string(message)]
        if let field { error["field"] = .string(field) }
        return ["error": .object(error)]
    }
}

extension APIError: SchemaProviding {
    public static var schemaName: String { "Error" }
    public static var schemaDescription: String { "Why a request was not done." }
    public static var schema: Schema {
        .object([
            .required(
                "error",
                .object([
                    .required("code", .choice(Code.allCases.map(\.rawValue)), "What kind of fault it is."),
                    .required("message", .string(StringRule(length: 1...4096, alphabet: .any)), "What was wrong and what would be right, in English."),
                    .optional("field", .string(StringRule(length: 0...256, alphabet: .any)), "The field, parameter or header it is about."),
                ]))
        ])
    }
}
