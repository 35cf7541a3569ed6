import ApiumCore
import DynamicJSON

/// What operators tell workers: by Celery's remote control, so that workers of both kinds obey.
///
/// ```swift
/// let desk = WorkerDesk(inspector)
/// try await desk.leaveQueues(["apium@host"])
/// ```
public struct WorkerDesk: Sendable {
    /// Who works.
    public let inspector: Inspector
    /// How long workers have to answer. Default: 1 second.
    public var patience: Duration

    /// Makes a desk.
    public init(_ inspector: Inspector, patience: Duration = .seconds(1)) {
        self.inspector = inspector
        self.patience = patience
    }

    /// A node's answer.
    public struct Answer: Sendable, Hashable {
        /// The node.
        public var node: String
        /// What it says.
        public var value: JSONValue

        /// What it says in Celery's form: the text under `ok`, or under `error`.
        public var text: String { (value["ok"] ?? value["error"] ?? value).stringValue ?? value.text }
        /// Whether it refused.
        public var isRefusal: Bool { value["error"] != nil }
    }

    /// Asks nodes something, or tells them.
    ///
    /// - Parameter nodes: their names; `nil`: all.
    /// - Throws: ``ApiumError`` `notAvailable` when the broker carries no remote control.
    public func ask(_ method: String, of nodes: [String]?, _ arguments: [String: JSONValue] = [:]) async throws -> [Answer] {
        guard let transport = inspector.broker.controlTransport else { throw ApiumError(.notAvailable, "this broker carries no remote control") }
        let request = ControlRequest(method, arguments: arguments, destination: nodes)
        let replies = try await transport.ask(request, exchange: inspector.controlExchange, within: patience, limit: try await expected(nodes))
        return replies.map { Answer(node: $0.node, value: $0.value) }.sorted { $0.node < $1.node }
    }

    /// How many answers end the wait: several processes may share a name. `nil`: nobody knows, for Celery's workers are in no register.
    private func expected(_ nodes: [String]?) async throws -> Int? {
        guard let nodes else { return nil }
        let registered = try await inspector.broker.registeredWorkers().map(\.name)
        return nodes.reduce(0) { sum, node in sum + max(1, registered.filter { $0 == node }.count) }
    }

    /// Who answers.
    public func ping(_ nodes: [String]? = nil) async throws -> [String] { try await ask("ping", of: nodes).map(\.node) }

    // MARK: Slots

    /// How many jobs each node runs at once.
    public func slots(_ nodes: [String]?) async throws -> [String: Int] {
        let answers = try await ask("stats", of: nodes)
        return Dictionary(answers.compactMap { answer in answer.value["pool"]?["max-concurrency"]?.intValue.map { (answer.node, Int($0)) } }) { $1 }
    }

    /// Gives nodes more slots, or fewer.
    public func resize(_ nodes: [String], by count: Int) async throws -> [Answer] {
        guard count != 0 else { return [] }
        return try await ask(count > 0 ? "pool_grow" : "pool_shrink", of: nodes, ["n": .int(Int64(abs(count)))])
    }

    // MARK: Stopping

    /// Lets nodes claim no more: they leave all their queues.
    public func leaveQueues(_ nodes: [String]) async throws {
        for answer in try await ask("active_queues", of: nodes) {
            for queue in Self.texts("name", in: answer.value) {
                _ = try await ask("cancel_consumer", of: [answer.node], ["queue": .string(queue)])
            }
        }
    }

    /// The queues that nodes serve.
    public func queues(_ nodes: [String]) async throws -> [String: [String]] {
        let answers = try await ask("active_queues", of: nodes)
        return answers.reduce(into: [:]) { queues, answer in queues[answer.node, default: []] += Self.texts("name", in: answer.value) }
    }

    /// The jobs that nodes run or have claimed, as they say themselves. A node that does not answer is not among them.
    public func held(_ nodes: [String]) async throws -> [String: [String]] {
        var held: [String: [String]] = [:]
        for method in ["active", "reserved"] {
            for answer in try await ask(method, of: nodes) {
                held[answer.node, default: []] += Self.texts("id", in: answer.value)
            }
        }
        return held
    }

    /// The texts under a name in a list of objects.
    private static func texts(_ name: String, in value: JSONValue) -> [String] { (value.arrayValue ?? []).compactMap { $0[name]?.stringValue } }

    /// Tells nodes to end: running jobs have the grace period. Nobody answers that.
    public func shutDown(_ nodes: [String]) async throws {
        guard let transport = inspector.broker.controlTransport else { throw ApiumError(.notAvailable, "this broker carries no remote control") }
        try await transport.broadcast(ControlRequest("shutdown", destination: nodes), exchange: inspector.controlExchange)
    }
}
