import DynamicJSON
import Testing

@testable import ApiumCore

@Suite("Locks of unique jobs")
struct UniqueTests {
    private struct Rebuild: JobDefinition {
        static let name = "shop.rebuild"
        static let options = JobOptions(unique: .untilEnded)
        typealias Output = NoOutput
        var shop: String
        var reason = ""
        var uniqueKey: String? { shop == "none" ? nil : shop }
        var limitKey: LimitKey? { LimitKey("shop", shop) }
    }

    private func outgoing(_ job: Rebuild, _ options: EnqueueOptions = EnqueueOptions()) throws -> Outgoing {
        try dispatcher.outgoing(TaskCall(job, options))
    }

    private func outgoing(_ args: [JSONValue] = [], _ kwargs: [String: JSONValue] = [:], _ options: EnqueueOptions) throws -> Outgoing {
        try dispatcher.outgoing(TaskCall(task: "t", arguments: TaskArguments(args: args, kwargs: kwargs), options: options))
    }

    private var dispatcher: Dispatcher { Dispatcher(router: Router(), origin: "test", now: Timestamp(microseconds: 0)) }

    @Test("a job is told apart by what the call says, else by what its type says, else by its arguments")
    func keys() throws {
        #expect(try outgoing(Rebuild(shop: "acme", reason: "x")).conditions.lock?.key == "shop.rebuild:acme")
        #expect(try outgoing(Rebuild(shop: "acme"), .unique(.untilEnded.by("mine"))).conditions.lock?.key == "shop.rebuild:mine")
        #expect(try outgoing(Rebuild(shop: "none", reason: "x")).conditions.lock?.key == #"shop.rebuild[[],{"reason":"x","shop":"none"}]"#)
        #expect(try outgoing([1, "a"], ["b": 2, "a": 1], .unique()).conditions.lock?.key == #"t[[1,"a"],{"a":1,"b":2}]"#)
        #expect(try outgoing([], [:], EnqueueOptions()).conditions.lock == nil)
    }

    @Test("the lock travels in the message where the worker has to end it, and is taken at once unless it is for the run alone")
    func scopes() throws {
        let ended = try outgoing([], [:], .unique(.untilEnded.by("k").lasting(atMost: .seconds(90))))
        #expect(ended.message.uniqueLock == UniqueLock(key: "t:k", scope: .ended, life: .seconds(90)))
        #expect(ended.conditions.lock == ended.message.uniqueLock)
        let read = try Message(decoding: ended.message.encoded())
        #expect(read.uniqueLock == ended.message.uniqueLock)
        let running = try outgoing([], [:], .unique(.whileRunning.by("k")))
        #expect(running.message.uniqueLock?.scope == .running && running.conditions.isEmpty)
        let timed = try outgoing([], [:], .unique(for: .seconds(5)))
        #expect(timed.message.uniqueLock == nil && timed.conditions.lock?.scope == .time && timed.conditions.lock?.milliseconds(after: .seconds(9)) == 5000)
        #expect(ended.conditions.lock?.milliseconds(after: .seconds(9)) == 99_000)
    }

    @Test("a key that is too long, or a time that is none, is refused with what would do")
    func refusals() throws {
        let long = #expect(throws: ApiumError.self) { try outgoing([.string(String(repeating: "x", count: 5000))], [:], .unique()) }
        #expect(long?.code == .badArguments && long?.message.contains(".by") == true)
        #expect(throws: ApiumError.self) { try outgoing([], [:], .unique(for: .zero)) }
        #expect(throws: ApiumError.self) { try outgoing([], [:], .unique(.untilEnded.by("a\u{0}b"))) }
    }

    @Test("the key of a job's limits travels in its message, and the caller's counts before the type's")
    func limitKeys() throws {
        #expect(try outgoing(Rebuild(shop: "acme")).message.limitKey == LimitKey("shop", "acme"))
        #expect(try outgoing(Rebuild(shop: "acme"), .limited(by: LimitKey("host", "h"))).message.limitKey == LimitKey("host", "h"))
    }
}
