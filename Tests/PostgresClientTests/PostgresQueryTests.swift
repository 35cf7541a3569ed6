import Foundation
import Testing

@testable import PostgresClient

@Suite struct PostgresQueryTests {
    @Test("an interpolated value becomes a parameter and never text")
    func interpolation() {
        let name = "'; drop table users; --"
        let query: PostgresQuery = "select * from users where name = \(name) and id > \(7)"
        #expect(query.text == "select * from users where name = $1 and id > $2")
        #expect(query.parameters.types == [0, 20])
        #expect(query.parameters.bytes == Array(name.utf8) + [0] + Array("7".utf8) + [0])
    }

    @Test("a query inside of a query keeps its parameters in order")
    func composition() {
        let condition: PostgresQuery = "name = \("a") or name = \("b")"
        let query: PostgresQuery = "select \(1) from t where \(condition) limit \(2)"
        #expect(query.text == "select $1 from t where name = $2 or name = $3 limit $4")
        #expect(query.parameters.offsets == [0, 2, 4, 6])
    }

    @Test("an identifier is quoted, quotes within it doubled")
    func identifiers() {
        let query: PostgresQuery = "select \(identifier: "a\"b; --")"
        #expect(query.text == #"select "a""b; --""#)
        #expect(!query.isCacheable)
    }

    @Test("a NUL character in text is remembered as a failure")
    func nul() {
        let query: PostgresQuery = "select \("a\0b")"
        #expect(query.parameters.failure?.code == .invalidValue)
    }

    @Test(
        "the configuration does not print its password",
        arguments: ["postgres://ann:hunter2@db:5433/shop", "host=db port=5433 user=ann password=hunter2 dbname=shop"])
    func password(text: String) throws {
        let configuration = try PostgresClientConfiguration(text)
        var dumped = ""
        dump(configuration, to: &dumped)
        for printed in ["\(configuration)", String(reflecting: configuration), dumped] { #expect(!printed.contains("hunter2")) }
        #expect("\(configuration)" == "postgres://ann@db:5433/shop")
    }

    @Test("an unreadable connection string is refused without quoting it", arguments: ["postgres://ann:hunter2@[::1/shop", "hunter2", "nosuchkey=hunter2"])
    func unreadable(text: String) {
        let error = #expect(throws: PostgresError.self) { try PostgresClientConfiguration(text) }
        #expect(error?.code == .configuration)
        #expect(error.map { !$0.message.contains("hunter2") } == true)
    }

    @Test("a setting out of range is refused by name")
    func validation() throws {
        var configuration = try PostgresClientConfiguration("postgres://localhost")
        configuration.pipelineDepth = 0
        let checked = configuration
        let error = #expect(throws: PostgresError.self) { try checked.validate() }
        #expect(error?.message.contains("pipelineDepth") == true)
    }
}

@Suite struct PostgresValueTests {
    private func read<Value: PostgresDecodable>(_ text: String, _ type: Value.Type = Value.self) -> Value? {
        Array(text.utf8).withUnsafeBytes { Value.decodePostgres($0) }
    }

    @Test(
        "a timestamp is read to the microsecond in any zone",
        arguments: [
            ("1970-01-01 00:00:00+00", 0), ("2026-11-23 03:11:00.25+00", 1_795_403_460_250_000), ("2026-11-23 08:41:00.25+05:30", 1_795_403_460_250_000),
            ("1969-12-31 23:59:59.999999+00", -1), ("2000-02-29 00:00:00", 951_782_400_000_000), ("2024-02-29", 1_709_164_800_000_000),
        ])
    func timestamps(text: String, expected: Int64) {
        #expect(Array(text.utf8).withUnsafeBytes { TimestampText.microseconds($0) } == expected)
    }

    @Test("what is no timestamp is refused", arguments: ["", "infinity", "2026-13-01", "2026-11-23 03:11", "2026-11-23 03:11:00+99", "0044-03-15 BC", "x"])
    func noTimestamps(text: String) { #expect(read(text, Date.self) == nil) }

    @Test("dates written read back as themselves")
    func calendar() {
        for day in stride(from: Int64(-719_162), through: 2_932_896, by: 997) {
            let (year, month, dayOfMonth) = TimestampText.civil(days: day)
            #expect(TimestampText.days(year: year, month: month, day: dayOfMonth) == day)
            let text = TimestampText.text(microseconds: day * 86_400_000_000 + 1)
            #expect(Array(text.utf8).withUnsafeBytes { TimestampText.microseconds($0) } == day * 86_400_000_000 + 1)
        }
    }

    @Test("arrays of text are read with quotes, commas and backslashes")
    func arrays() {
        #expect(read(#"{a,"b,c","d\"e","f\\g",""}"#, [String].self) == ["a", "b,c", "d\"e", "f\\g", ""])
        #expect(read("{}", [String].self) == [])
        #expect(read("{1,-2}", [Int64].self) == [1, -2])
        for broken in ["", "{", "{a", "{a,}", "{\"a}", "{NULL}", "{{1},{2}}", "{1,x}"] { #expect(read(broken, [Int64].self) == nil) }
    }

    @Test("bytes are read from hexadecimal and nothing else")
    func bytes() {
        #expect(read(#"\x00ff10"#, [UInt8].self) == [0, 255, 16])
        for broken in ["", #"\x0"#, #"\xzz"#, "00"] { #expect(read(broken, [UInt8].self) == nil) }
    }

    @Test("a number that does not fit is refused")
    func numbers() {
        #expect(read("9223372036854775807", Int64.self) == .max)
        #expect(read("9223372036854775808", Int64.self) == nil)
        #expect(read("2147483648", Int32.self) == nil)
    }
}
