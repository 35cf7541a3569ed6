import Logging
import Tracing

/// A tracer that writes each span as one line of JSON when it ends: to see what happened, without a collector.
///
/// It speaks W3C's Trace Context. Whether a trace is recorded is decided where it begins, by its id, so that every process of one share decides
/// alike; who goes on with a trace does as its sender did. What is not recorded still carries the trace on.
public final class SpanLogTracer: Tracer {
    private let threshold: UInt64
    private let write: @Sendable (String) -> Void

    /// Makes a tracer.
    ///
    /// - Parameters:
    ///   - ratio: the share of traces that are recorded, 0 to 1. Default: all.
    ///   - write: takes each line, its line feed included. Default: standard error, among the log lines.
    public init(ratio: Double = 1, write: @escaping @Sendable (String) -> Void = LineLogHandler.standardError) {
        threshold = ratio >= 1 ? .max : UInt64(max(0, ratio) * 0x1p63)
        self.write = write
    }

    /// Begins a span: a child of the one that the context names, or a new trace.
    public func startSpan<Instant: TracerInstant>(
        _ operationName: String, context: @autoclosure () -> ServiceContext, ofKind kind: SpanKind, at instant: @autoclosure () -> Instant,
        function: String, file fileID: String, line: UInt
    ) -> LoggedSpan {
        var own = context()
        let parent = own.trace
        own.trace =
            if let parent { TraceContext(traceID: parent.traceID, spanID: Self.makeID(), isSampled: parent.isSampled, state: parent.state) } else { begin() }
        return LoggedSpan(operationName, kind: kind, context: own, parent: parent?.spanID, began: instant().nanosecondsSinceEpoch, write: write)
    }

    private func begin() -> TraceContext {
        let (high, low) = (Self.draw(), Self.draw())
        return TraceContext(
            traceID: Self.text(high) + Self.text(low), spanID: Self.makeID(), isSampled: threshold == .max || low & (.max >> 1) < threshold)
    }

    /// Nothing waits to be written.
    public func forceFlush() {}

    /// Writes `traceparent` and `tracestate`.
    public func inject<Carrier, Inject>(_ context: ServiceContext, into carrier: inout Carrier, using injector: Inject)
    where Inject: Injector, Carrier == Inject.Carrier {
        guard let trace = context.trace else { return }
        injector.inject(trace.traceparent, forKey: "traceparent", into: &carrier)
        if let state = trace.state { injector.inject(state, forKey: "tracestate", into: &carrier) }
    }

    /// Reads `traceparent` and `tracestate`; what is no traceparent is ignored.
    public func extract<Carrier, Extract>(_ carrier: Carrier, into context: inout ServiceContext, using extractor: Extract)
    where Extract: Extractor, Carrier == Extract.Carrier {
        guard let parent = extractor.extract(key: "traceparent", from: carrier) else { return }
        guard let trace = TraceContext(traceparent: parent, tracestate: extractor.extract(key: "tracestate", from: carrier)) else { return }
        context.trace = trace
    }

    private static func makeID() -> String { text(draw()) }

    private static func draw() -> UInt64 { .random(in: 1 ... .max) }

    private static func text(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

extension Logger.MetadataProvider {
    /// The ids of the current trace and span, under the names that OpenTelemetry gives them in logs.
    public static let currentSpan = Logger.MetadataProvider {
        guard let trace = ServiceContext.current?.trace else { return [:] }
        return ["trace_id": "\(trace.traceID)", "span_id": "\(trace.spanID)"]
    }
}
