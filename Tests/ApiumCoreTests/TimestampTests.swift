import Foundation
import Randomness
import Testing

@testable import ApiumCore

@Suite("Instants")
struct TimestampTests {
    @Test(
        "every ISO 8601 form of an instant is read",
        arguments: [
            ("2026-11-22T23:14:38.112215+00:00", 1_795_389_278_112_215), ("2026-11-22T23:14:38.112215", 1_795_389_278_112_215),
            ("2026-11-22T23:14:38.112215999Z", 1_795_389_278_112_215), ("2026-11-22 23:14:38,1", 1_795_389_278_100_000),
            ("20261122T231438Z", 1_795_389_278_000_000),
            ("2026-11-23T02:14:38+03:00", 1_795_389_278_000_000), ("2026-11-22T18:44:38-0430", 1_795_389_278_000_000),
            ("2026-11-22T23:14+00", 1_795_389_240_000_000),
            ("2026-11-22T23", 1_795_388_400_000_000), ("2026-11-22", 1_795_305_600_000_000), ("20261122", 1_795_305_600_000_000),
            ("2026-11", 1_793_491_200_000_000),
            ("2026", 1_767_225_600_000_000), ("2026-326", 1_795_305_600_000_000), ("2026-W47-7", 1_795_305_600_000_000), ("2026W477", 1_795_305_600_000_000),
            ("2026-11-21T24:00", 1_795_305_600_000_000), ("1970-01-01", 0), ("1969-12-31T23:59:59.999999Z", -1), ("0001-01-01", -62_135_596_800_000_000),
            ("2024-02-29", 1_709_164_800_000_000), ("2026-11-22t23:14:38z", 1_795_389_278_000_000),
        ] as [(String, Int64)])
    func parsing(text: String, microseconds: Int64) {
        #expect(Timestamp(iso8601: text)?.microseconds == microseconds)
    }

    @Test(
        "what is no instant is refused",
        arguments: [
            "", "x", "2026-13-01", "2026-00-01", "2026-02-29", "2026-04-31", "2026-11-22T", "2026-11-22T25:00", "2026-11-22T24:00:01", "2026-11-22T23:60",
            "2026-11-22T23:14:60",
            "2026-11-22T23:14:38.", "2026-11-22T23:14:38+", "2026-11-22T23:14:38+24:00", "2026-11-22T23:14:38Zx", "26-11-22", "2026-366", "2026-000",
            "2026-W54", "2025-W53",
            "2026-W00", "2026-W01-8", "0000-01-01", "2026-11-22T23:14:38 +00:00", "２０２６-11-22", "2026-11-22T23:14:38.1e5", "1795389278",
            String(repeating: "1", count: 100_000),
        ])
    func refused(text: String) {
        #expect(Timestamp(iso8601: text) == nil)
    }

    @Test("an instant is written with microseconds and offset")
    func writing() {
        #expect(Timestamp(microseconds: 1_795_389_278_112_215).iso8601 == "2026-11-22T23:14:38.112215+00:00")
        #expect(Timestamp(microseconds: 0).iso8601 == "1970-01-01T00:00:00.000000+00:00")
        #expect(Timestamp(microseconds: -1).iso8601 == "1969-12-31T23:59:59.999999+00:00")
        #expect(Timestamp(microseconds: .max).iso8601 == "9999-12-31T23:59:59.999999+00:00")
        #expect(Timestamp(microseconds: .min).iso8601 == "0001-01-01T00:00:00.000000+00:00")
    }

    @Test("random instants come back as they were, and agree with another calendar")
    func roundTrip() throws {
        var random = SplitMix(seed: 3)
        var calendar = Calendar(identifier: .iso8601)
        calendar.timeZone = try #require(TimeZone(identifier: "UTC"))
        for _ in 0..<5000 {
            let instant = Timestamp(microseconds: Int64(random.below(253_000_000_000)) * 1_000_000 + Int64(random.below(1_000_000)) - 10_000_000_000_000_000)
            #expect(Timestamp(iso8601: instant.iso8601) == instant)
            let parts = calendar.dateComponents([.year, .month, .day, .hour], from: Date(timeIntervalSince1970: instant.seconds.rounded(.down)))
            let text = String(format: "%04d-%02d-%02dT%02d", parts.year ?? 0, parts.month ?? 0, parts.day ?? 0, parts.hour ?? 0)
            #expect(instant.iso8601.hasPrefix(text))
        }
    }

    @Test("sums beyond the range saturate")
    func saturation() {
        #expect(Timestamp(microseconds: .max) + .seconds(1) == Timestamp(microseconds: .max))
        #expect(Timestamp(microseconds: .min) - Timestamp(microseconds: 1) == .microseconds(Int64.min))
        #expect(Duration.microseconds(Int64.max).wholeMicroseconds == .max)
        #expect((Duration.microseconds(Int64.max) + .microseconds(5)).wholeMicroseconds == .max)
        #expect(Timestamp(seconds: .infinity).microseconds == .max)
        #expect(Timestamp(seconds: -.infinity).microseconds == .min)
        #expect(Timestamp(seconds: .nan).microseconds == 0)
        #expect((Timestamp(microseconds: 5_000_000) - Timestamp(microseconds: 2_000_000)) == .seconds(3))
    }
}
