import Tracing

/// Where in a trace somebody stands, as W3C's Trace Context has it (https://www.w3.org/TR/trace-context/): the headers `traceparent` and
/// `tracestate`.
public struct TraceContext: Sendable, Hashable {
    /// 32 hexadecimal digits, not all zero.
    public var traceID: String
    /// 16 hexadecimal digits, not all zero: the span that whatever comes next is a child of.
    public var spanID: String
    /// Whether the trace is recorded.
    public var isSampled: Bool
    /// What other tracers have written beside it, carried along; `nil`: nothing.
    public var state: String?

    /// Makes a context; ids are not checked.
    public init(traceID: String, spanID: String, isSampled: Bool, state: String? = nil) {
        self.traceID = traceID
        self.spanID = spanID
        self.isSampled = isSampled
        self.state = state
    }

    /// Reads the two headers; `nil` for a `traceparent` that must be ignored. A `tracestate` that is too long is left out.
    public init?(traceparent: String, tracestate: String? = nil) {
        let bytes = Array(traceparent.utf8)
        guard bytes.count >= 55, bytes[2] == Self.dash, bytes[35] == Self.dash, bytes[52] == Self.dash else { return nil }
        let version = bytes[0..<2]
        // Later versions may add to the end; of this one there is nothing more.
        guard Self.isHex(version), version.elementsEqual("ff".utf8) == false else { return nil }
        guard version.elementsEqual("00".utf8) ? bytes.count == 55 : bytes.count == 55 || bytes[55] == Self.dash else { return nil }
        let (trace, span, flags) = (bytes[3..<35], bytes[36..<52], bytes[53..<55])
        guard Self.isHex(trace), Self.isHex(span), Self.isHex(flags), Self.isNotZero(trace), Self.isNotZero(span) else { return nil }
        traceID = String(decoding: trace, as: UTF8.self)
        spanID = String(decoding: span, as: UTF8.self)
        isSampled = (UInt8(String(decoding: flags, as: UTF8.self), radix: 16) ?? 0) & 1 == 1
        state = tracestate.flatMap { $0.isEmpty || $0.utf8.count > 512 || !$0.utf8.allSatisfy { (32..<127).contains($0) || $0 == 9 } ? nil : $0 }
    }

    /// The header.
    public var traceparent: String { "00-\(traceID)-\(spanID)-\(isSampled ? "01" : "00")" }

    private static let dash = UInt8(ascii: "-")

    /// Digits and lower case letters: the standard has no others.
    private static func isHex(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0) }
    }

    private static func isNotZero(_ bytes: ArraySlice<UInt8>) -> Bool { bytes.contains { $0 != UInt8(ascii: "0") } }
}

extension ServiceContext {
    private enum Key: ServiceContextKey {
        typealias Value = TraceContext
        static var nameOverride: String? { "trace-context" }
    }

    /// Where in a trace the current task stands.
    public var trace: TraceContext? {
        get { self[Key.self] }
        set { self[Key.self] = newValue }
    }
}
