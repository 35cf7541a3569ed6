import Apium
import DynamicJSON
import Testing

/// Canvas without types: tasks of any worker by their names.
@Suite("Example: signatures", .timeLimit(.minutes(1)))
struct SignatureExamples {
    private func registry(_ log: AsyncStream<String>.Continuation? = nil) -> JobRegistry {
        var registry = JobRegistry()
        registry.register(Add.self)
        registry.register("shop.total") { arguments, _ in .int((arguments.args[0].arrayValue ?? []).compactMap(\.intValue).reduce(0, +)) }
        registry.register("shop.double") { arguments, _ in .int((arguments.args[0].intValue ?? 0) * 2) }
        registry.register("shop.fail") { _, _ in throw JobFailure(type: "ValueError", arguments: ["no such price"]) }
        registry.register("shop.log") { arguments, _ in
            log?.yield("log \(arguments.args[0].intValue ?? -1)")
            return .null
        }
        registry.register("shop.alert") { arguments, _ in
            log?.yield("alert \(arguments.args[0].stringValue ?? "")")
            return .null
        }
        return registry
    }

    @Test("a task of a foreign worker is called by its name", arguments: Place.all)
    func foreign(place: Place) async throws {
        try await place.run(registry()) { client in
            // docs: foreign
            let handle = try await client.enqueue(task: "shop.add", args: [2], kwargs: ["y": 3])
            let sum = try await handle.value(within: .seconds(20)).intValue
            // docs: end
            #expect(sum == 5)
        }
    }

    @Test("a signature is a call that has not been sent; callbacks and errbacks follow it", arguments: Place.all)
    func links(place: Place) async throws {
        let (lines, log) = AsyncStream.makeStream(of: String.self)
        try await place.run(registry(log)) { client in
            // docs: signature
            let add = Signature("shop.add", 1, 2)
                .priority(3)
                .expiring(in: .minutes(5))
                .linked(to: Signature("shop.log"))  // gets the result
                .onError(Signature("shop.alert"))  // gets the failed job's id
            let handle = try #require(try await client.send(add))
            // docs: end
            #expect(try await handle.value(within: .seconds(20)) == 3)
            var line = lines.makeAsyncIterator()
            #expect(await line.next() == "log 3")
            let failing = try #require(try await client.send(Signature("shop.fail").onError(Signature("shop.alert"))))
            #expect(await line.next() == "alert \(failing.id)")
        }
    }

    @Test("what is said about a signature is typed, and open to what is not known here", arguments: Place.all)
    func options(place: Place) async throws {
        try await place.run(registry()) { client in
            // docs: options
            var call = Signature("shop.add", 1, 2)
            call.options.priority = 3
            call.options.softTimeLimit = .seconds(20)
            call.options["x-tenant"] = "north"  // no option of Celery's: a property of the message
            // docs: end
            let handle = try #require(try await client.send(call))
            #expect(try await handle.value(within: .seconds(20)) == 3)
        }
    }

    @Test("chain, group, chord, map, starmap and chunks", arguments: Place.all)
    func forms(place: Place) async throws {
        try await place.run(registry()) { client in
            // docs: forms
            let double = Signature("shop.double")
            let chain = Signature("shop.add", 1, 2) | double | double
            let group = Signature.group([Signature("shop.add", 1, 2), Signature("shop.double", 4)])
            let chord = Signature.group([Signature("shop.add", 1, 2), Signature("shop.add", 3, 4)]) | Signature("shop.total") | double
            let map = Signature.map(double, over: [1, 2, 3])
            let starmap = Signature.starmap(Signature("shop.add"), over: [[1, 2], [3, 4]])
            let chunks = Signature.chunks(Signature("shop.add"), over: [[1, 2], [3, 4], [5, 6]], size: 2)
            // docs: end
            let all: [(Signature, JSONValue)] = [
                (chain, 12), (group, [3, 8]), (chord, 20), (map, [2, 4, 6] as JSONValue), (starmap, [3, 7]), (chunks, [[3, 7] as JSONValue, [11]]),
            ]
            for (canvas, expected) in all {
                let handle = try #require(try await client.send(canvas))
                #expect(try await handle.value(within: .seconds(20)) == expected)
            }
        }
    }

    @Test("a group's results come together, or one by one with their failures", arguments: Place.all)
    func outcomes(place: Place) async throws {
        try await place.run(registry()) { client in
            let canvas = Signature.group([Signature("shop.add", 1, 2), Signature("shop.fail")])
            let sent = try #require(try await client.send(canvas))
            // docs: outcomes
            let group = try #require(sent.group(of: Int64.self))
            for outcome in try await group.outcomes(within: .seconds(20)) {
                switch outcome {
                case .success(let sum): #expect(sum == 3)
                case .failure(let failure): #expect(failure.is("ValueError") && failure.arguments == ["no such price"])
                }
            }
            // docs: end
            #expect(group.count == 2)
        }
    }
}
