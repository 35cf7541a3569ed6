import Foundation
import Synchronization
import Testing
import Tracing

@testable import ApiumTelemetry

/// Keeps what a tracer writes.
private final class Written: Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }
    func append(_ line: String) { lines.withLock { $0.append(line) } }
}

private struct Pairs: Injector, Extractor {
    func inject(_ value: String, forKey key: String, into carrier: inout [String: String]) { carrier[key] = value }
    func extract(key: String, from carrier: [String: String]) -> String? { carrier[key] }
}

@Suite("Trace context")
struct TraceContextTests {
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    private static let span = "00f067aa0ba902b7"

    @Test("a traceparent is read and written as it was")
    func roundTrip() throws {
        for flags in ["00", "01"] {
            let text = "00-\(Self.trace)-\(Self.span)-\(flags)"
            let context = try #require(TraceContext(traceparent: text, tracestate: "a=1,b=2"))
            #expect(context.traceparent == text)
            #expect(context.isSampled == (flags == "01"))
            #expect(context.state == "a=1,b=2")
        }
        let later = TraceContext(traceparent: "cc-\(Self.trace)-\(Self.span)-03-what-comes")
        #expect(later?.traceparent == "00-\(Self.trace)-\(Self.span)-01", "a later version's first parts count")
    }

    @Test(
        "what is no traceparent is ignored",
        arguments: [
            "", "00", "00-\(trace)-\(span)", "ff-\(trace)-\(span)-01", "00-\(trace)-\(span)-01-more", "00-\(trace.uppercased())-\(span)-01",
            "00-\(String(repeating: "0", count: 32))-\(span)-01", "00-\(trace)-\(String(repeating: "0", count: 16))-01", "00-\(trace)-\(span)-0g",
            "00_\(trace)_\(span)_01", "0x-\(trace)-\(span)-01", "cc-\(trace)-\(span)-01more", "00-é\(trace.dropFirst(2))-\(span)-01",
        ])
    func ignored(_ text: String) { #expect(TraceContext(traceparent: text) == nil) }

    @Test("a tracestate that is too long, or that could end a header, is left out")
    func state() {
        let parent = "00-\(Self.trace)-\(Self.span)-01"
        for text in ["", String(repeating: "x", count: 513), "a=1\r\nSet-Cookie: b"] {
            #expect(TraceContext(traceparent: parent, tracestate: text)?.state == nil)
        }
    }
}

@Suite("Spans as log lines")
struct SpanLogTests {
    private func spans(_ ratio: Double = 1, _ body: (SpanLogTracer) -> Void) throws -> [[String: Any]] {
        let written = Written()
        body(SpanLogTracer(ratio: ratio) { written.append($0) })
        return try written.all.map { line in
            #expect(line.hasSuffix("\n") && line.filter(\.isNewline).count == 1)
            return try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        }
    }

    @Test("a span is one JSON object with its ids, its duration and what was said of it")
    func line() throws {
        let written = try spans { tracer in
            let span = tracer.startSpan(
                "GET \"x\"\n", context: .topLevel, ofKind: .server, at: DefaultTracerClock.Timestamp(nanosecondsSinceEpoch: 1_500_000_000))
            span.attributes["route"] = "/a"
            span.attributes["status"] = 200
            span.addEvent(SpanEvent(name: "woke"))
            span.end(at: DefaultTracerClock.Timestamp(nanosecondsSinceEpoch: 1_750_000_000))
            span.attributes["late"] = true
            span.end()
        }
        let span = try #require(written.first)
        #expect(written.count == 1, "it ends once")
        #expect(span["time"] as? String == "1970-01-01T00:00:01.500Z")
        #expect(span["span"] as? String == "GET \"x\"\n")
        #expect(span["kind"] as? String == "server")
        #expect(span["seconds"] as? Double == 0.25)
        #expect(span["status"] as? String == "unset")
        #expect((span["trace_id"] as? String)?.count == 32 && (span["span_id"] as? String)?.count == 16)
        #expect(span["parent_id"] == nil)
        #expect((span["attributes"] as? [String: Any])?.keys.sorted() == ["route", "status"])
        #expect((span["events"] as? [[String: Any]])?.first?["name"] as? String == "woke")
    }

    @Test("an error that is thrown out of a span is its status")
    func errors() throws {
        struct Broken: Error {}
        let written = try spans { tracer in try? tracer.withSpan("work") { _ in throw Broken() } }
        #expect(written.first?["status"] as? String == "error")
        #expect(written.first?["error"] as? String == "Broken()")
    }

    @Test("a child is of its parent's trace, and is recorded when that is, whatever the share")
    func children() throws {
        let written = try spans(0) { tracer in
            var context = ServiceContext.topLevel
            tracer.extract(["traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "tracestate": "k=v"], into: &context, using: Pairs())
            let span = tracer.startSpan("child", context: context, ofKind: .internal)
            var carrier: [String: String] = [:]
            tracer.inject(span.context, into: &carrier, using: Pairs())
            #expect(carrier["traceparent"]?.hasPrefix("00-4bf92f3577b34da6a3ce929d0e0e4736-") == true)
            #expect(carrier["traceparent"]?.hasSuffix("-01") == true && carrier["traceparent"]?.contains("00f067aa0ba902b7") == false)
            #expect(carrier["tracestate"] == "k=v")
            span.end()
        }
        #expect(written.first?["parent_id"] as? String == "00f067aa0ba902b7")
    }

    @Test("a trace that is not recorded is carried on as one, and writes nothing")
    func unsampled() throws {
        let written = try spans(0) { tracer in
            let span = tracer.startSpan("root", context: .topLevel, ofKind: .internal)
            var carrier: [String: String] = [:]
            tracer.inject(span.context, into: &carrier, using: Pairs())
            #expect(carrier["traceparent"]?.hasSuffix("-00") == true)
            #expect(!span.isRecording)
            span.end()
        }
        #expect(written.isEmpty)
    }

    @Test("about the share of traces that is asked for is recorded")
    func share() throws {
        let written = try spans(0.25) { tracer in for _ in 0..<4000 { tracer.startSpan("root", context: .topLevel, ofKind: .internal).end() } }
        // Within ten standard deviations of a thousand.
        #expect((726...1274).contains(written.count))
    }
}

@Suite("Telemetry settings")
struct TelemetryConfigurationTests {
    @Test("settings are read, and every fault is named at once, without a value that is not shown")
    func environment() throws {
        let read = try TelemetryConfiguration(environment: ["LOG_FORMAT": "json", "LOG_LEVEL": "debug", "LOG_SPANS": "0.5"])
        #expect(read == TelemetryConfiguration(format: .json, level: .debug, spans: 0.5))
        #expect(try TelemetryConfiguration(environment: ["LOG_LEVEL": ""]) == TelemetryConfiguration())
        let fault = #expect(throws: TelemetryFault.self) {
            try TelemetryConfiguration(environment: ["LOG_FORMAT": "xml", "LOG_LEVEL": "loud", "LOG_SPANS": "2"])
        }
        let text = try #require(fault?.description)
        #expect(text.contains("LOG_FORMAT is 'xml'") && text.contains("LOG_LEVEL is 'loud'") && text.contains("LOG_SPANS is '2'"))
    }
}
