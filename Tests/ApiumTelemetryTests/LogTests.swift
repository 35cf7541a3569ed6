import Foundation
import Logging
import Synchronization
import Testing

@testable import ApiumTelemetry

/// Keeps what a handler writes.
private final class Lines: Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }
    func append(_ line: String) { lines.withLock { $0.append(line) } }
}

@Suite("Log lines")
struct LogTests {
    private func log(_ format: LogFormat, level: Logger.Level = .info, _ body: (inout Logger) -> Void) -> [String] {
        let lines = Lines()
        var logger = Logger(label: "worker") { LineLogHandler(label: $0, format: format, level: level) { lines.append($0) } }
        body(&logger)
        return lines.all
    }

    @Test("a text line has time, level, label, message and sorted metadata")
    func text() throws {
        let lines = log(.text) {
            $0[metadataKey: "queue"] = "checks"
            $0.info("started", metadata: ["a": "two words", "n": "\(7)", "list": ["x", "y"]])
            $0.debug("not shown")
        }
        #expect(lines.count == 1)
        let line = try #require(lines.first)
        #expect(line.dropFirst(24) == " INFO worker: started a=\"two words\" list=\"[\\\"x\\\",\\\"y\\\"]\" n=7 queue=checks\n")
    }

    @Test("a JSON line is one object, whatever is in it")
    func json() throws {
        let lines = log(.json) { $0.error("a \"b\"\n\u{1B}[31m\u{85}", metadata: ["k\n": ["deep": ["x", "\u{2028}"]]]) }
        let line = try #require(lines.first)
        #expect(line.filter { $0.isNewline }.count == 1)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        #expect(object["message"] as? String == "a \"b\"\n\u{1B}[31m\u{85}")
        #expect(object["level"] as? String == "error")
        #expect((object["metadata"] as? [String: [String: [String]]])?["k\n"]?["deep"] == ["x", "\u{2028}"])
    }

    @Test("no message can begin a second line or move the cursor")
    func injection() throws {
        let lines = log(.text) { $0.info("a\n2026 INFO fake: b\u{1B}[2J", metadata: ["x": "1\r\n2"]) }
        let line = try #require(lines.first)
        #expect(line.unicodeScalars.filter { $0.value < 32 }.map(\.value) == [10])
    }

    @Test("instants are written as UTC with milliseconds")
    func instants() {
        #expect(UTCClock.text(seconds: 1_763_868_301, milliseconds: 7) == "2025-11-23T03:25:01.007Z")
        #expect(UTCClock.text(seconds: 0, milliseconds: 123) == "1970-01-01T00:00:00.123Z")
    }
}
