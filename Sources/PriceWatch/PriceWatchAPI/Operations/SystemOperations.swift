import DynamicJSON

/// A part that the API needs, for `/health/ready`.
public struct ReadinessCheck: Sendable {
    /// The part's name: `redis`, `postgres`, `parser`.
    public var name: String
    /// Throws when the part cannot be reached. It is given two seconds.
    public var check: @Sendable () async throws -> Void

    /// Makes a check.
    public init(_ name: String, check: @escaping @Sendable () async throws -> Void) {
        self.name = name
        self.check = check
    }
}

/// `/health/…`, `/metrics`, `/openapi.json`, `/docs`: no token is asked for.
struct SystemOperations {
    var readiness: [ReadinessCheck]
    var metrics: @Sendable () -> String
    /// Filled in when all operations are known.
    var document: @Sendable () -> JSONValue

    var all: [Operation] { [live, ready, metricsText, openAPI, docs] }

    private var live: Operation {
        Operation(.get, "/health/live", id: "live", tag: "operations", summary: "Whether the process runs") { _ in Found(LiveView()) }
    }

    private var ready: Operation {
        Operation(.get, "/health/ready", id: "ready", tag: "operations", summary: "Whether the parts that the API needs can be reached") { _ in
            let parts = await withTaskGroup(of: (String, Bool).self) { group in
                for part in readiness { group.addTask { (part.name, await Self.isReady(part)) } }
                return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
            }
            return ReadyOutput(parts: parts)
        }
    }

    /// Whether a check passes in two seconds. A check that ignores cancellation is not waited for.
    private static func isReady(_ part: ReadinessCheck) async -> Bool {
        let (answers, answer) = AsyncStream.makeStream(of: Bool.self, bufferingPolicy: .bufferingOldest(1))
        let check = Task {
            do {
                try await part.check()
                answer.yield(true)
            } catch {
                answer.yield(false)
            }
        }
        let timer = Task {
            try await Task.sleep(for: .seconds(2))
            answer.yield(false)
        }
        defer {
            check.cancel()
            timer.cancel()
        }
        for await first in answers { return first }
        return false
    }

    private var metricsText: Operation {
        Operation(.get, "/metrics", id: "metrics", tag: "operations", summary: "Metrics in Prometheus' text format") { _ in
            TextOutput<MetricsText>(metrics())
        }
    }

    private var openAPI: Operation {
        Operation(.get, "/openapi.json", id: "openapi", tag: "operations", summary: "This document") { _ in DocumentOutput(document: document()) }
    }

    private var docs: Operation {
        Operation(.get, "/docs", id: "docs", tag: "operations", summary: "The documentation as a page") { _ in
            TextOutput<DocsPage>(DocsPage.text)
        }
    }
}

/// `{"status":"live"}`.
struct LiveView: Codable, Sendable, SchemaProviding {
    var status = "live"

    static let schemaName = "Live"
    static let schemaDescription = "The process runs."
    static var schema: Schema { .object([.required("status", .choice(["live"]))]) }
}

/// 200 or 503 with one word per part.
struct ReadyOutput: OperationOutput {
    var parts: [String: Bool]

    static var replies: [ReplyDescription] {
        let schema = Schema.object([.required("ready", .boolean), .required("parts", .map(maxProperties: 16), "Part → whether it can be reached.")])
        return [.json(200, "All parts can be reached.", schema), .json(503, "A part cannot be reached.", schema)]
    }

    var answer: Answer {
        let isReady = parts.values.allSatisfy { $0 }
        return Answer(status: isReady ? 200 : 503, body: .json(["ready": .bool(isReady), "parts": .object(parts.mapValues { .bool($0) })]))
    }
}

/// A kind of text.
protocol TextKind: Sendable {
    static var mediaType: String { get }
    static var meaning: String { get }
    static var headers: [String: String] { get }
}

enum MetricsText: TextKind {
    static let mediaType = "text/plain; version=0.0.4; charset=utf-8"
    static let meaning = "The metrics."
    static let headers = ["Cache-Control": "no-store"]
}

/// 200 with a text.
struct TextOutput<Kind: TextKind>: OperationOutput {
    var text: String

    init(_ text: String) { self.text = text }

    static var replies: [ReplyDescription] {
        let bare = Kind.mediaType.split(separator: ";").first.map(String.init)
        return [ReplyDescription(status: 200, description: Kind.meaning, schema: nil, mediaType: bare)]
    }

    var answer: Answer { Answer(status: 200, body: .text(text, mediaType: Kind.mediaType), headers: Kind.headers) }
}

/// 200 with the OpenAPI document.
struct DocumentOutput: OperationOutput {
    var document: JSONValue

    static var replies: [ReplyDescription] { [.json(200, "The OpenAPI 3.1 document.", .map(maxProperties: 64))] }
    var answer: Answer { Answer(status: 200, body: .json(document), headers: ["Cache-Control": "no-cache"]) }
}
