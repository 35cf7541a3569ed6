import ApiumYAML
import DynamicJSON
import Testing

@testable import ApiumCore

@Suite("What Celery sends")
struct CapturedMessageTests {
    private static let accepted = AcceptedContent([.json, .yaml])
    private static let readable = Capture.messages.filter(\.isReadable)
    private static let protocolTwo = Capture.messages.filter { !$0.name.hasPrefix("protocol 1") && $0.name != "refused raw" }

    @Test("there are captures of every kind")
    func complete() {
        #expect(Capture.messages.count > 280)
        #expect(Capture.results.count > 30)
        #expect(Capture.messages.filter { !$0.isReadable }.count >= 6)
    }

    @Test("an envelope is written back as it was read, but for what every reader fills in", arguments: protocolTwo)
    func envelope(capture: Capture) throws {
        let message = try Message(decoding: capture.bytes)
        #expect(try JSONValue(parsing: message.encoded()).completedEnvelope == JSONValue(parsing: capture.bytes).completedEnvelope)
    }

    @Test("a message of protocol 1 becomes one of protocol 2 that says the same", arguments: Capture.messages.filter { $0.name.hasPrefix("protocol 1") })
    func protocolOne(capture: Capture) throws {
        let message = try Message(decoding: capture.bytes, accepting: Self.accepted)
        let again = try Message(decoding: message.encoded())
        #expect(again == message)
        #expect(again.headers.compression == nil)
        #expect(again.body.contentType == "application/json")
        #expect(again.properties.deliveryTag == (try JSONValue(parsing: capture.bytes))["properties"]?["delivery_tag"]?.stringValue)
    }

    @Test("arguments are what Python reads, and are written back as they were", arguments: readable)
    func arguments(capture: Capture) throws {
        let message = try Message(decoding: capture.bytes, accepting: Self.accepted)
        let arguments = try message.arguments(accepting: Self.accepted)
        if let expected = capture.expected { #expect(expected == [.array(arguments.args), .object(arguments.kwargs)]) }
        for format in [ContentFormat.json, .init(.yaml), .init(compression: .zlib), .init(.yaml, compression: .zstd)] {
            var copy = message
            try copy.setArguments(arguments, as: format)
            #expect(try copy.arguments(accepting: Self.accepted) == arguments)
        }
        guard message.body.contentType == "application/json" else { return }
        let plain = try message.headers.compression.map { try BodyCompression(name: $0).decompress(message.body.bytes, limit: 1 << 20) } ?? message.body.bytes
        #expect(try JSONValue(parsing: arguments.encodedBody().bytes).completedBody == JSONValue(parsing: plain).completedBody)
    }

    @Test("what is not read is refused by its name", arguments: Capture.messages.filter { !$0.isReadable })
    func refused(capture: Capture) throws {
        let message = try Message(decoding: capture.bytes)
        let error = #expect(throws: ApiumError.self) { try message.arguments(accepting: Self.accepted) }
        let kind = capture.name.split(separator: " ").last.map(String.init) ?? ""
        if kind == "numbers" {
            #expect(error?.code == .malformedMessage)
        } else {
            #expect(error?.code == .refusedContent)
            #expect(error?.message.contains(kind == "raw" ? "data" : kind) == true)
        }
    }

    @Test("YAML is refused where it is not accepted, and the error says what is")
    func yamlRefused() throws {
        let capture = try #require(Self.readable.first { $0.name == "yaml" })
        let error = #expect(throws: ApiumError.self) { try Message(decoding: capture.bytes).arguments() }
        #expect(error?.code == .refusedContent)
        #expect(error?.message.contains("yaml (application/x-yaml)") == true)
        #expect(error?.message.contains("accepted here: json") == true)
    }

    @Test("a stored result is read and written back as it was", arguments: Capture.results.filter(\.isReadable))
    func result(capture: Capture) throws {
        let document = try ResultDocument(decoding: capture.bytes, accepting: Self.accepted)
        if let expected = capture.expected { #expect(document.result == expected) }
        #expect(document.state.isException == (JobFailure(value: document.result) != nil))
        if capture.bytes.first == UInt8(ascii: "{") {
            #expect(try JSONValue(parsing: document.encoded()) == JSONValue(parsing: capture.bytes))
        }
        for compression in BodyCompression.allCases.map(Optional.some) + [nil] {
            #expect(try ResultDocument(decoding: document.encoded(compression: compression)) == document)
        }
    }

    @Test("a stored result that is not read says why", arguments: Capture.results.filter { !$0.isReadable })
    func refusedResult(capture: Capture) throws {
        let error = #expect(throws: ApiumError.self) { try ResultDocument(decoding: capture.bytes, accepting: Self.accepted) }
        let kind = capture.name.split(separator: " ").last.map(String.init) ?? ""
        #expect(error?.message.contains(kind) == true)
    }
}
