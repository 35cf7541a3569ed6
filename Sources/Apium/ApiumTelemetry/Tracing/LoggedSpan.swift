import Synchronization
import Tracing

/// A span of ``SpanLogTracer``.
public final class LoggedSpan: Span {
    private struct State {
        var name: String
        var attributes: SpanAttributes = [:]
        var status: SpanStatus?
        var error: String?
        var events: [SpanEvent] = []
        var links: [TraceContext] = []
        var hasEnded = false
    }

    /// What the span is of, and what its children are begun from.
    public let context: ServiceContext
    private let state: Mutex<State>
    private let kind: SpanKind
    private let parent: String?
    private let began: UInt64
    private let write: @Sendable (String) -> Void
    /// Events and links that are kept of one span.
    private static let most = 100

    init(_ name: String, kind: SpanKind, context: ServiceContext, parent: String?, began: UInt64, write: @escaping @Sendable (String) -> Void) {
        state = Mutex(State(name: name))
        self.kind = kind
        self.context = context
        self.parent = parent
        self.began = began
        self.write = write
    }

    /// Whether it will be written.
    public var isRecording: Bool { (context.trace?.isSampled ?? false) && !state.withLock(\.hasEnded) }

    /// What it is called.
    public var operationName: String {
        get { state.withLock(\.name) }
        set { change { $0.name = newValue } }
    }

    /// What is said of it; after its end nothing more.
    public var attributes: SpanAttributes {
        get { state.withLock(\.attributes) }
        set { change { $0.attributes = newValue } }
    }

    /// How it ended.
    public func setStatus(_ status: SpanStatus) { change { $0.status = status } }

    /// Something that happened meanwhile; a hundred at most.
    public func addEvent(_ event: SpanEvent) { change { if $0.events.count < Self.most { $0.events.append(event) } } }

    /// Another span that it has to do with; a hundred at most.
    public func addLink(_ link: SpanLink) {
        guard let trace = link.context.trace else { return }
        change { if $0.links.count < Self.most { $0.links.append(trace) } }
    }

    /// The error that it ended with, in words; 500 characters at most.
    public func recordError<Instant: TracerInstant>(_ error: any Error, attributes: SpanAttributes, at instant: @autoclosure () -> Instant) {
        let text = String(String(describing: error).prefix(500))
        change { $0.error = text }
    }

    private func change(_ body: (inout State) -> Void) {
        guard context.trace?.isSampled ?? false else { return }
        state.withLock { if !$0.hasEnded { body(&$0) } }
    }

    /// Ends it, and writes it if its trace is recorded. Once.
    public func end<Instant: TracerInstant>(at instant: @autoclosure () -> Instant) {
        let end = instant().nanosecondsSinceEpoch
        let last = state.withLock { state -> State? in
            defer { state.hasEnded = true }
            return state.hasEnded ? nil : state
        }
        guard let last, let trace = context.trace, trace.isSampled else { return }
        write(line(last, trace, end))
    }

    // MARK: The line

    private func line(_ state: State, _ trace: TraceContext, _ end: UInt64) -> String {
        var line = "{\"time\":\"\(UTCClock.text(nanoseconds: began))\",\"span\":"
        LogLine.appendJSON(state.name, to: &line)
        line += ",\"kind\":\"\(kind)\",\"trace_id\":\"\(trace.traceID)\",\"span_id\":\"\(trace.spanID)\""
        if let parent { line += ",\"parent_id\":\"\(parent)\"" }
        line += ",\"seconds\":\(Double(end >= began ? end - began : 0) / 1e9)"
        let isError = state.error != nil || state.status?.code == .error
        line += ",\"status\":\"\(isError ? "error" : state.status == nil ? "unset" : "ok")\""
        if let text = state.error ?? state.status?.message {
            line += ",\"error\":"
            LogLine.appendJSON(String(text.prefix(500)), to: &line)
        }
        append(state.attributes, to: &line)
        if !state.events.isEmpty {
            line += ",\"events\":["
            for (index, event) in state.events.enumerated() {
                if index > 0 { line += "," }
                line += "{\"time\":\"\(UTCClock.text(nanoseconds: event.nanosecondsSinceEpoch))\",\"name\":"
                LogLine.appendJSON(event.name, to: &line)
                append(event.attributes, to: &line)
                line += "}"
            }
            line += "]"
        }
        if !state.links.isEmpty {
            line += ",\"links\":[" + state.links.map { "{\"trace_id\":\"\($0.traceID)\",\"span_id\":\"\($0.spanID)\"}" }.joined(separator: ",") + "]"
        }
        return line + "}\n"
    }

    private func append(_ attributes: SpanAttributes, to line: inout String) {
        guard !attributes.isEmpty else { return }
        var values: [(key: String, value: SpanAttribute)] = []
        attributes.forEach { values.append(($0, $1)) }
        line += ",\"attributes\":{"
        for (index, (key, value)) in values.sorted(by: { $0.key < $1.key }).enumerated() {
            if index > 0 { line += "," }
            LogLine.appendJSON(key, to: &line)
            line += ":"
            append(value, to: &line)
        }
        line += "}"
    }

    private func append(_ value: SpanAttribute, to line: inout String) {
        switch value {
        case .int32(let number): line += String(number)
        case .int64(let number): line += String(number)
        case .double(let number) where number.isFinite: line += String(number)
        case .bool(let flag): line += flag ? "true" : "false"
        case .string(let text): LogLine.appendJSON(text, to: &line)
        case .stringConvertible(let value): LogLine.appendJSON(value.description, to: &line)
        default: LogLine.appendJSON("\(value)", to: &line)
        }
    }
}
