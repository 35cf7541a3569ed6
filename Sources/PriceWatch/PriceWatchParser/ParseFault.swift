import HTTPFetch
import PriceWatchModel

/// Why a page gave no price, with a sentence for the log: it holds no path of a link and nothing of the page.
struct ParseFault: Error, Sendable, Equatable {
    var reason: ParseFailure
    var message: String
    /// How long the shop asks to be left alone, in seconds.
    var retryAfter: Int?

    init(_ reason: ParseFailure, _ message: String, retryAfter: Int? = nil) {
        self.reason = reason
        self.message = message
        self.retryAfter = retryAfter
    }

    /// What a failed fetch means for the user.
    init(_ error: FetchError) {
        let reason: ParseFailure =
            switch error.code {
            case .refusedAddress, .badURL, .unsupportedScheme: .refusedAddress
            case .timedOut: .timedOut
            default: .unreachable
            }
        self.init(reason, error.message)
    }
}
