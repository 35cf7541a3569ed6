import DynamicJSON

/// A workflow as the stored results show it: jobs and groups, and what came of what.
public struct ResultGraph: Sendable, Hashable {
    /// Jobs and groups by id. A group's state is `nil`.
    public var nodes: [String: JobState?] = [:]
    /// From a job to what it sent, from a step to the next one, from a group to its members; in the order in which they were found.
    public var edges: [Edge] = []

    /// One edge.
    public struct Edge: Sendable, Hashable {
        /// The job, step or group.
        public var from: String
        /// What came of it.
        public var to: String

        /// Makes an edge.
        public init(from: String, to: String) {
            self.from = from
            self.to = to
        }
    }

    /// Makes an empty graph.
    public init() {}

    /// The graph in Graphviz' language.
    public var dot: String {
        func quoted(_ text: String) -> String { JSONValue.string(text).text }
        let lines = nodes.sorted { $0.key < $1.key }.map { "  \(quoted($0.key)) [label=\(quoted("\($0.key)\n\($0.value?.rawValue ?? "group")"))];" }
        return (["digraph {"] + lines + edges.map { "  \(quoted($0.from)) -> \(quoted($0.to));" } + ["}", ""]).joined(separator: "\n")
    }
}

extension ApiumClient {
    /// Reads the documents of a workflow, level by level, each level in one round trip.
    func graph(of tuple: ResultTuple, limit: Int) async throws -> ResultGraph {
        var collector = GraphCollector()
        collector.add(tuple)
        while !collector.pending.isEmpty, collector.graph.nodes.count < limit {
            let ids = collector.pending
            collector.pending = []
            for (id, document) in zip(ids, try await results.documents(for: ids)) {
                collector.graph.nodes[id] = document?.state ?? .pending
                for child in document?.children ?? [] {
                    guard let child = ResultTuple(json: child) else { continue }
                    collector.edge(id, child.id)
                    collector.add(child)
                }
            }
        }
        return collector.graph
    }
}

/// Takes tuples apart; a job that is met again is not read again.
private struct GraphCollector {
    var graph = ResultGraph()
    /// The jobs whose documents have not been read.
    var pending: [String] = []
    private var known: Set<ResultGraph.Edge> = []

    mutating func add(_ tuple: ResultTuple) {
        var next: ResultTuple? = tuple
        while let current = next {
            addOne(current)
            if let parent = current.parent { edge(parent.id, current.id) }
            next = current.parent
        }
    }

    private mutating func addOne(_ tuple: ResultTuple) {
        if graph.nodes[tuple.id] == nil {
            graph.nodes.updateValue(nil, forKey: tuple.id)
            if tuple.members == nil { pending.append(tuple.id) }
        }
        for member in tuple.members ?? [] {
            edge(tuple.id, member.id)
            add(member)
        }
    }

    /// A retried job has itself as a child: that is no edge.
    mutating func edge(_ from: String, _ to: String) {
        let edge = ResultGraph.Edge(from: from, to: to)
        if from != to, known.insert(edge).inserted { graph.edges.append(edge) }
    }
}
