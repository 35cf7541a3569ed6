import Logging
import Metrics

/// One line of the access log, and the metrics of one request. The query is never logged: it may hold what is secret.
struct AccessRecord {
    var method: String
    var id: String
    var path = ""
    /// The route's template: few values, so that metrics stay few.
    var route = "none"
    var caller: String?

    init(method: String, id: String) {
        self.method = method
        self.id = id
    }

    func finish(status: Int, in duration: Duration, logger: Logger) {
        let method = Self.known.contains(method) ? method : "other"
        Counter(label: "http_requests_total", dimensions: [("method", method), ("route", route), ("status", String(status))]).increment()
        Timer(label: "http_request_duration_seconds", dimensions: [("method", method), ("route", route)]).record(duration: duration)
        var metadata: Logger.Metadata = [
            "method": "\(method)", "path": "\(path.prefixed(200))", "status": "\(status)", "ms": "\(Int(duration.seconds * 1000))",
        ]
        if let caller { metadata["token"] = "\(caller)" }
        let isProbe = route.hasPrefix("/health") || route == "/metrics"
        logger.log(level: isProbe && status < 400 ? .debug : .info, "request", metadata: metadata)
    }

    private static let known: Set<String> = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
}
