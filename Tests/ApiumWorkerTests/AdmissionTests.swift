import ApiumCore
import DynamicJSON
import Testing

@testable import ApiumWorker

@Suite("What jobs have to ask before they run")
struct AdmissionTests {
    private func delivery(_ queue: String = "q") -> Delivery { Delivery(tag: DeliveryTag(batch: 1, index: 0), queue: queue, fence: 1, payload: []) }

    private func message(_ change: (inout Message) -> Void = { _ in }) -> Message {
        var message = Message(headers: Message.Headers(task: "shop.fetch", id: "7"), body: TaskArguments(kwargs: ["host": "a"]).encodedBody())
        change(&message)
        return message
    }

    private func desk(_ limits: [HoldTarget: Limit] = [:], paused: Set<HoldTarget> = []) -> AdmissionDesk {
        var registry = JobRegistry()
        var entry = JobRegistry.Entry(name: "shop.fetch", options: JobOptions()) { _, _ in .null }
        entry.limitKey = { $0.kwargs["host"]?.stringValue.map { LimitKey("host", $0) } }
        registry.register(entry)
        return AdmissionDesk(holds: HoldState(limits: limits, paused: paused), registry: registry, content: .json)
    }

    private func targets(_ desk: AdmissionDesk, _ message: Message, revoked: Bool = false) -> [HoldTarget]? {
        desk.question(delivery(), message) { _ in revoked }?.admission.targets
    }

    @Test("a job asks nothing where nothing is limited, and nothing for the limits of others")
    func nothing() {
        #expect(targets(desk(), message()) == nil)
        #expect(targets(desk([.queue("other"): .concurrency(1), .job("other"): .concurrency(1), .eachKey("tenant"): .concurrency(1)]), message()) == nil)
    }

    @Test("a job asks its queue, its type and its key, the key from its header or from its arguments")
    func all() {
        let desk = desk([.eachKey("host"): .concurrency(1), .job("shop.fetch"): .concurrency(2)], paused: [.queue("q")])
        #expect(targets(desk, message()) == [.queue("q"), .job("shop.fetch"), .key(LimitKey("host", "a"))])
        #expect(targets(desk, message { $0.limitKey = LimitKey("host", "b") })?.last == .key(LimitKey("host", "b")))
        #expect(targets(desk, message { $0.limitKey = LimitKey("ho=st", "b") }) == [.queue("q"), .job("shop.fetch")])
    }

    @Test("a job that has waited asks what it asked then, even if that is not limited any more or it is revoked")
    func waited() {
        let waited = message { $0.waitedFor = [.job("gone")] }
        #expect(targets(desk(), waited) == [.job("gone")])
        #expect(targets(desk(), waited, revoked: true) == [.job("gone")])
        #expect(targets(desk([.queue("q"): .concurrency(1)]), message(), revoked: true) == nil)
        let question = desk().question(delivery(), waited) { _ in false }
        #expect(question?.admission.isReturning == true && question?.message.waitedFor == [] && question?.delivery.isAdmitted == true)
    }

    @Test("a job keeps the age of its question; one that lost its worker, or waited under a release that kept none, is older than all")
    func age() throws {
        let limited = desk([.queue("q"): .concurrency(1)])
        func since(_ message: Message, fence: Int64) throws -> Int64? {
            var delivery = delivery()
            delivery.fence = fence
            let question = limited.question(delivery, message) { _ in false }
            return try Message(decoding: try #require(question).admission.payload).waitedSince
        }
        let new = message()
        #expect(try since(new, fence: 7) == 7)
        #expect(try since(new.waiting(for: [.queue("q")], fence: 7), fence: 9) == 7)
        #expect(try since(message { $0.properties.redelivered = true }, fence: 9) == 0)
        #expect(try since(message { $0.waitedFor = [.queue("q")] }, fence: 9) == 0)
        #expect(new.waiting(for: [.queue("q")], fence: 7).waitedFor == [.queue("q")])
    }

    @Test("a lock while queued is given up, and one while running is asked for, with the beginning of the run")
    func locks() {
        let queued = message { $0.uniqueLock = UniqueLock(key: "k", scope: .queued) }
        #expect(desk().question(delivery(), queued) { _ in false }?.admission.lock?.key == "k")
        let running = message { $0.uniqueLock = UniqueLock(key: "k", scope: .running) }
        #expect(targets(desk(), running) == [.run("k")])
        #expect(targets(desk(), message { $0.uniqueLock = UniqueLock(key: "k", scope: .ended) }) == nil)
    }

    @Test("messages that run no job ask nothing")
    func noJob() {
        let limited = desk([.queue("q"): .concurrency(1)])
        #expect(targets(limited, message { $0.joining = [ChordClaim(group: "g", token: "t")] }) == nil)
    }

    @Test("headers that are none of ours are no limits and no locks")
    func foreign() {
        for value in ["x", 7, [], ["a"], ["a", 1], [["a"], "b"]] as [JSONValue] {
            let odd = message {
                $0.headers.custom = ["apium_limit": value, "apium_waited": value, "apium_unique": value]
            }
            #expect(odd.limitKey == nil && odd.uniqueLock == nil)
            #expect(targets(desk(), odd) == nil)
        }
    }

    @Test("targets and limits are read as they are written")
    func texts() throws {
        let targets: [HoldTarget] = [.queue("a:b=c"), .job("shop.x"), .key(LimitKey("host", "a=b")), .eachKey("host"), .run("x:y")]
        #expect(targets.map { HoldTarget(text: $0.text) } == targets)
        #expect(HoldTarget(text: "nothing") == nil && HoldTarget(text: "what:x") == nil)
        let limits = [Limit(rate: .perMinute(30, burst: 4), concurrency: 2), .concurrency(1), .rate(.perSecond(0.5))]
        #expect(limits.map { Limit(stored: $0.stored) } == limits)
        #expect(Limit(stored: "0 0 0") == nil && Limit(stored: "x") == nil)
        #expect(try Limit.Rate(text: "30/m") == .perMinute(30))
        #expect(try Limit.Rate(text: "2.5") == .perSecond(2.5))
        #expect(Limit.Rate.perMinute(30).text == "30/m" && Limit.Rate(every: .seconds(90)).text == "40/h")
        for text in ["", "x", "0/s", "-1/m", "1/d", "1/s/s", "inf"] {
            #expect(throws: ApiumError.self) { try Limit.Rate(text: text) }
        }
    }
}
