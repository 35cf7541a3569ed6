import Apium
import DynamicJSON

extension Features {
    /// Workflows.
    static let canvas: [String: Send] = [
        "a_chain": { try await $0.value($0.sig("add", 2, 3) | $0.sig("add", 4)) },
        "immutable": { try await $0.value($0.sig("add", 2, 3) | $0.sig("add", 5, 5).immutable()) },
        "a_group": { feature in try await feature.value(.group(doubles(feature, 5))) },
        "a_chord": { feature in try await feature.value(.chord(header: doubles(feature, 5), body: feature.sig("sum"))) },
        "chord_in_chain": { feature in
            let parts = Signature.group((0..<4).map { feature.sig("add", .int($0)) })
            return try await feature.value(feature.sig("add", 1, 2) | parts | feature.sig("sum") | feature.sig("add", 7))
        },
        "nested": { feature in
            let inner = Signature.chord(header: [feature.sig("add", 1, 2), feature.sig("add", 3, 4)], body: feature.sig("sum"))
            let steps = feature.sig("add", 5, 5) | feature.sig("add", 10)
            return try await feature.value(.chord(header: [inner, steps, feature.sig("add", 2, 2)], body: feature.sig("sum")))
        },
        "group_at_end": { try await $0.value($0.sig("add", 1, 2) | .group([$0.sig("add", 1), $0.sig("add", 2)])) },
        "chord_error": { feature in
            let handle = try await feature.sent(.chord(header: [feature.sig("add", 1, 1), feature.sig("fail")], body: feature.sig("sum")))
            return try await feature.failureType(of: handle)
        },
        "chain_error": { feature in
            var next: CanvasHandle? = try await feature.sent(feature.sig("fail") | feature.sig("add", 1) | feature.sig("add", 1))
            var types: [JSONValue] = []
            while let handle = next {
                types.append(try await feature.failureType(of: handle))
                next = handle.parent
            }
            return .array(types)
        },
        "link": { feature in
            let key = JobID.make()
            _ = try await feature.sent(feature.sig("add", 2, 4).linked(to: feature.sig("note", kwargs: ["key": .string(key)])))
            return .string(try await feature.notes.first(key))
        },
        "link_error": { feature in
            let key = JobID.make()
            let handle = try await feature.sent(feature.sig("fail").onError(feature.sig("note", kwargs: ["key": .string(key)])))
            return .bool(try await feature.notes.first(key).contains(handle.id))
        },
        "chunks": { try await $0.value(.chunks($0.sig("add"), over: [[0, 1], [1, 2], [2, 3], [3, 4], [4, 5]], size: 2).on(queue: $0.queue)) },
        "starmap": { try await $0.value(.starmap($0.sig("add"), over: [[1, 2], [3, 4]]).on(queue: $0.queue)) },
        "a_map": { try await $0.value(.map($0.sig("sum"), over: [[1, 2], [3, 4]]).on(queue: $0.queue)) },
        "replace": { try await $0.value($0.sig("replaced", 3, 4) | $0.sig("add", 5)) },
        "add_to_chord": { try await $0.value(.chord(header: [$0.sig("more", [4, 6]), $0.sig("add", 1, 2)], body: $0.sig("sum"))) },
        // For test_mixed_chords.py: sends, and answers the ids without waiting.
        "mixed_chord": { feature in
            let header = (0..<1000).map { feature.sig("nap", .double((0.02e6 + Double($0)) / 1e6)) }
            let note = feature.sig("note", kwargs: ["key": .string("note:\(feature.queue)")])
            let handle = try await feature.sent(.chord(header: header, body: feature.sig("identity").linked(to: note)))
            return ["body": .string(handle.id), "group": .string(handle.parent?.id ?? "")]
        },
        "stamps": { feature in
            let seen = try await feature.value(feature.sig("request").stamped(["monitor": "matrix"]))["stamps"]?.objectValue ?? [:]
            return .object(seen.mapValues { $0.arrayValue == nil ? [$0] : $0 })
        },
        "ancestry": { feature in
            let handle = try await feature.sent(feature.sig("add", 1, 1) | feature.sig("request"))
            let seen = try await handle.value(within: Feature.patience)
            return .bool(seen["root"] == seen["parent"] && seen["root"]?.stringValue == handle.parent?.id)
        },
    ]

    private static func doubles(_ feature: Feature, _ count: Int64) -> [Signature] { (0..<count).map { feature.sig("add", .int($0), .int($0)) } }
}
