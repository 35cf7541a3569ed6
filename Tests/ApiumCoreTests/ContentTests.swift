import DynamicJSON
import Testing

@testable import ApiumCore

@Suite("Compressed and serialised content")
struct ContentTests {
    private let arguments = TaskArguments(args: ["a price", 7], kwargs: ["text": .string(String(repeating: "x", count: 5000))])

    private func message(_ format: ContentFormat) throws -> Message {
        var message = Message(headers: .init(task: "t", id: "i"), body: TaskArguments().encodedBody())
        try message.setArguments(arguments, as: format)
        return message
    }

    @Test("a body stands as text, or in base 64 where that is asked for")
    func transferEncoding() throws {
        let text = try message(ContentFormat()).encoded()
        #expect(try JSONValue(parsing: text)["properties"]?["body_encoding"] == nil)
        let body = try arguments.body(in: ContentFormat(transferEncoding: .base64))
        let base64 = Message(headers: .init(task: "t", id: "i"), body: body)
        #expect(try JSONValue(parsing: base64.encoded())["properties"]?["body_encoding"] == "base64")
        #expect(try Message(decoding: base64.encoded()).arguments() == Message(decoding: text).arguments())
        #expect(ContentFormat(transferEncoding: .base64).changed(by: ContentFormat(compression: .zstd)).transferEncoding == .base64)
    }

    @Test("a compressed body is smaller, says how it is compressed, and comes back", arguments: BodyCompression.allCases)
    func compressed(compression: BodyCompression) throws {
        let again = try Message(decoding: try message(ContentFormat(compression: compression)).encoded())
        #expect(again.headers.compression == compression.contentType)
        #expect(again.body.bytes.count < 1000)
        #expect(try again.arguments() == arguments)
    }

    @Test("setting arguments without compression takes the header away")
    func headerGoes() throws {
        var message = try message(ContentFormat(compression: .zlib))
        try message.setArguments(arguments)
        #expect(message.headers.compression == nil)
        #expect(try message.arguments() == arguments)
    }

    @Test("a compressed body in an envelope of plain text goes as base 64, because it is no text")
    func plainEnvelope() throws {
        var message = try message(.json)
        message.body.transferEncoding = .utf8
        try message.setArguments(arguments, as: ContentFormat(compression: .zlib))
        let envelope = try JSONValue(parsing: message.encoded())
        #expect(envelope["properties"]?["body_encoding"] == "base64")
        #expect(try Message(decoding: message.encoded()).arguments() == arguments)
    }

    @Test("a body that decompresses to more than the limit is refused", arguments: BodyCompression.allCases)
    func bomb(compression: BodyCompression) throws {
        let message = try message(ContentFormat(compression: compression))
        #expect(code { try message.arguments(accepting: AcceptedContent(decompressedLimit: 1000)) } == .refusedContent)
        #expect(try message.arguments(accepting: AcceptedContent(decompressedLimit: 100_000)) == arguments)
    }

    @Test("a damaged compressed body is malformed", arguments: BodyCompression.allCases)
    func damaged(compression: BodyCompression) throws {
        var message = try message(ContentFormat(compression: compression))
        message.body.bytes.removeLast(3)
        #expect(code { try message.arguments() } == .malformedMessage)
    }

    @Test(
        "kombu's names and content types of a compression mean the same",
        arguments: [
            ("gzip", BodyCompression.zlib), ("zlib", .zlib), ("application/x-gzip", .zlib), ("bzip2", .bzip2), ("bzip", .bzip2), ("application/x-bz2", .bzip2),
            ("zstd", .zstd), ("zstandard", .zstd), ("application/zstd", .zstd),
        ])
    func names(name: String, compression: BodyCompression) throws {
        #expect(try BodyCompression(name: name) == compression)
    }

    @Test("a compression that is not supported is refused by name", arguments: ["lzma", "application/x-lzma", "application/x-brotli", "br", ""])
    func unknownCompression(name: String) {
        let error = #expect(throws: ApiumError.self) { try BodyCompression(name: name) }
        #expect(error?.code == .refusedContent)
        #expect(error?.message.contains("'\(name)'") == true)
    }

    @Test("accept_content takes names and content types, and says what a program can read")
    func acceptContent() throws {
        #expect(try AcceptedContent(names: ["json"]).serializers.map(\.name) == ["json"])
        #expect(try AcceptedContent(names: ["application/json"]).serializers.count == 1)
        for names in [["json", "pickle"], ["yaml"], []] {
            let error = #expect(throws: ApiumError.self) { try AcceptedContent(names: names) }
            #expect(error?.code == .invalidConfiguration)
            #expect(error?.message.contains("runs its sender's code") == names.contains("pickle"))
        }
    }

    @Test("what Celery never has in an envelope or a body of protocol 1 is carried along")
    func unknownMembers() throws {
        let envelope = #"{"body":"W1tdLHt9LHt9XQ==","headers":{"task":"t","id":"i"},"properties":{"body_encoding":"base64"},"later":{"a":[1]}}"#
        let message = try Message(decoding: Array(envelope.utf8))
        #expect(message.extra == ["later": ["a": [1]]])
        #expect(try JSONValue(parsing: message.encoded())["later"] == ["a": [1]])
        let old =
            #"{"body":"{\"task\":\"t\",\"id\":\"i\",\"mine\":7,\"both\":1}","content-type":"application/json","content-encoding":"utf-8","headers":{"both":2,"origin":"here","stamps":{"s":1}},"properties":{"x":9}}"#
        let converted = try Message(decoding: try Message(decoding: Array(old.utf8)).encoded())
        #expect(converted.headers.custom == ["mine": 7, "both": 2])
        #expect(converted.headers.origin == "here")
        #expect(converted.headers.stamps == ["s": 1])
        #expect(converted.properties.extra == ["x": 9])
    }

    @Test("what an embed carries beyond Celery's four fields is written back")
    func unknownEmbed() throws {
        let body = Message.Body(bytes: Array(#"[[],{},{"callbacks":null,"later":[1]}]"#.utf8))
        let arguments = try Message(headers: .init(task: "t", id: "i"), body: body).arguments()
        #expect(arguments.embed.extra == ["later": [1]])
        #expect(try JSONValue(parsing: arguments.encodedBody().bytes)[2]?["later"] == [1])
    }

    @Test("a compressed result carries Celery's mark and is read whatever the reader's own setting", arguments: BodyCompression.allCases)
    func result(compression: BodyCompression) throws {
        let document = ResultDocument(id: "i", state: .success, result: .string(String(repeating: "x", count: 5000)))
        let bytes = try document.encoded(compression: compression)
        #expect(bytes.starts(with: Array("\0celery-compressed\0\(compression.contentType)\0".utf8)))
        #expect(bytes.count < 1000)
        #expect(try ResultDocument(decoding: bytes) == document)
        #expect(code { try ResultDocument(decoding: bytes, accepting: AcceptedContent(decompressedLimit: 1000)) } == .refusedContent)
        #expect(code { try ResultDocument(decoding: Array(bytes.dropLast(2))) } == .badResult)
    }

    @Test("a compressed result of an unknown kind is refused, one without a kind is bad")
    func unknownResult() {
        #expect(code { try ResultDocument(decoding: Array("\0celery-compressed\0application/x-lzma\0abc".utf8)) } == .refusedContent)
        #expect(code { try ResultDocument(decoding: Array("\0celery-compressed\0application".utf8)) } == .badResult)
    }
}
