import DynamicJSON
import Tracing

/// How traces follow jobs: the context of the sender's span travels in the message's headers, as W3C's `traceparent` and `tracestate` at their
/// top level. OpenTelemetry's instrumentation of Celery writes and reads it there, so that a trace goes on across languages.
///
/// What the headers are called and how they look is the tracer's to say (`InstrumentationSystem.bootstrap`); here they are only carried.
public struct JobTracing: Sendable {
    private let instrument: any Instrument

    /// What the program has bootstrapped; `nil` where it is nothing, so that nothing is made, copied or asked for any more.
    public static var current: JobTracing? {
        let instrument = InstrumentationSystem.instrument
        return instrument is NoOpInstrument || instrument is NoOpTracer ? nil : JobTracing(instrument: instrument)
    }

    /// Writes the context of the current span into headers; without a span they stay as they are.
    public func inject(into headers: inout [String: JSONValue]) {
        guard let context = ServiceContext.current else { return }
        instrument.inject(context, into: &headers, using: HeaderCarrier())
    }

    /// The context that a message's sender has left in it.
    public func context(of message: Message) -> ServiceContext {
        var context = ServiceContext.topLevel
        instrument.extract(message.headers.custom, into: &context, using: HeaderCarrier())
        return context
    }
}

/// Headers as carriers of a context: texts only.
private struct HeaderCarrier: Injector, Extractor {
    func inject(_ value: String, forKey key: String, into carrier: inout [String: JSONValue]) { carrier[key] = .string(value) }

    func extract(key: String, from carrier: [String: JSONValue]) -> String? { carrier[key]?.stringValue }
}

extension Message {
    /// The message, with the current span as what sent it.
    func traced() -> Message {
        guard let tracing = JobTracing.current, ServiceContext.current != nil else { return self }
        var message = self
        tracing.inject(into: &message.headers.custom)
        return message
    }
}
