import Apium
import ApiumYAML
import DynamicJSON

extension Features {
    /// Single calls: arguments, options, content.
    static let calls: [String: Send] = [
        "positional": { try await $0.value($0.sig("add", 2, 3)) },
        "keywords": { try await $0.value($0.sig("add", kwargs: ["x": "Сельдерей", "y": " 🌿"])) },
        "priority": { try await $0.value($0.sig("request"), .with { $0.priority = 7 })["priority"] ?? .null },
        "headers": { try await $0.value($0.sig("request"), .with { $0.headers = ["x-from": "matrix"] })["headers"] ?? .null },
        "time_limits": { try await $0.value($0.sig("request").timeLimit(.seconds(60), soft: .seconds(45)))["limits"] ?? .null },
        "countdown": { feature in
            let clock = ContinuousClock()
            let took = try await clock.measure { _ = try await feature.value(feature.sig("add", 1, 1), .after(.seconds(1))) }
            return .bool(took >= .seconds(1))
        },
        "expires": { feature in
            let handle = try await feature.sent(feature.sig("add", 1, 1).option("expires", "2020-01-01T00:00:00+00:00"))
            do {
                return try await handle.value(within: Feature.patience)
            } catch let failure as JobFailure {
                return .string("\(try await handle.job(as: JSONValue.self).state()) \(failure.arguments[0].stringValue ?? "")")
            }
        },
        "ignored": { feature in
            let key = JobID.make()
            let handle = try await feature.sent(feature.sig("note", "ran", kwargs: ["key": .string(key)]).ignoringResult())
            return [.string(try await feature.notes.first(key)), .string("\(try await handle.job(as: JSONValue.self).state())")]
        },
        "typed_values": { feature in
            let when = TypedValue.datetime(ZonedTime(Timestamp(iso8601: "2026-11-23T10:30:00+00:00") ?? Timestamp(microseconds: 0), offset: 0))
            let key = UniqueID("12345678123456781234567812345678").map { TypedValue.uuid($0) }
            let amount = ExactDecimal("1.25").map { TypedValue.decimal($0) }
            let answer = try await feature.value(feature.sig("typed", when.json, amount?.json ?? .null, key?.json ?? .null))
            return .array((answer.arrayValue ?? []).map { .string(words($0)) })
        },
        "zlib": { try await size($0, compression: "zlib") },
        "bzip2": { try await size($0, compression: "bzip2") },
        "zstd": { try await size($0, compression: "zstd") },
        "yaml": { try await $0.value($0.sig("identity", [1, ["a": [nil, true, 1.5]]]), .with { $0.format = ContentFormat(.yaml) }) },
    ]

    private static func size(_ feature: Feature, compression: String) async throws -> JSONValue {
        let text = String(repeating: "a", count: 100_000)
        let answer = try await feature.value(feature.sig("identity", .string(text)).option("compression", .string(compression)))
        return .int(Int64(answer.stringValue?.utf8.count ?? 0))
    }

    /// A typed value as Python's `str` writes it.
    private static func words(_ value: JSONValue) -> String {
        switch value.typed {
        case .datetime(let time)?: time.iso8601
        case .decimal(let number)?: number.text
        case .uuid(let id)?: "\(id)"
        default: value.text
        }
    }
}
