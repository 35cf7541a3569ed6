import ApiumCore
import ApiumTesting
import DynamicJSON
import PriceWatchJobs
import PriceWatchModel
import Synchronization
import Testing

@Suite("The jobs of the schedule", .timeLimit(.minutes(1)))
struct ScheduleJobTests {
    private static let link = "https://shop.example/1"
    private static let patience = Duration.seconds(20)

    @Test("two runs at once enqueue each due check once, with its claim")
    func due() async throws {
        let bench = JobBench()
        bench.store.state.withLock { state in state.due = (1...1_200).map { DueChecks.Check(productID: $0, claim: $0 * 10) } }
        let queued = Enqueued()
        let jobs = (0..<2).map { _ in Task { try await CheckDue().run(in: JobContext(client: queued), using: bench.services) } }
        var counts: [Int] = []
        for job in jobs { counts.append(try await job.value) }
        #expect(counts.reduce(0, +) == 1_200)
        let checks = queued.checks.withLock { $0 }
        #expect(Set(checks.map(\.productID)) == Set(1...1_200) && checks.count == 1_200)
        #expect(checks.allSatisfy { $0.claim == $0.productID * 10 })
    }

    @Test("a scheduled check is limited together with the others of its shop")
    func shops() async throws {
        let bench = JobBench()
        bench.store.state.withLock { state in
            state.due = [
                DueChecks.Check(productID: 1, claim: 1, host: ShopHost(link: "https://www.Shop.example:8080/a?b=//c")),
                DueChecks.Check(productID: 2, claim: 1, host: ShopHost(link: "https://me@shop.example/b")), DueChecks.Check(productID: 3, claim: 1),
            ]
        }
        let queued = Enqueued()
        #expect(try await CheckDue().run(in: JobContext(client: queued), using: bench.services) == 3)
        #expect(queued.limitKeys.withLock { $0 } == [["host", "shop.example"], ["host", "shop.example"], nil])
        #expect(ShopHost(link: "no link") == nil && ShopHost(link: "https:///x") == nil && ShopHost(link: "http://[::1]:80/")?.name == "::1")
    }

    @Test("a product whose check still waits when its claim has run out gets no second one")
    func oneWaits() async throws {
        let bench = JobBench()
        let broker = InMemoryBroker()
        let client = ApiumClient(broker: broker, results: broker.results)
        for claim in [Int64(1), 2, 3] {
            bench.store.state.withLock { $0.due = [DueChecks.Check(productID: 1, claim: claim), DueChecks.Check(productID: 1 + claim, claim: 1)] }
            #expect(try await CheckDue().run(in: JobContext(client: client), using: bench.services) == 2)
        }
        let waiting = try await broker.queueLength(Queues.checks)
        #expect(waiting == 4, "products 1 to 4, one check each")
    }

    @Test("one run takes a bounded number of batches and leaves the rest to the next slot")
    func bounded() async throws {
        var bench = JobBench()
        bench.rules.dueBatch = 10
        bench.rules.dueBatches = 3
        bench.store.state.withLock { state in state.due = (1...45).map { DueChecks.Check(productID: $0, claim: 1) } }
        let queued = Enqueued()
        #expect(try await CheckDue().run(in: JobContext(client: queued), using: bench.services) == 30)
        #expect(try await CheckDue().run(in: JobContext(client: queued), using: bench.services) == 15)
    }

    @Test("a check whose claim is over reads no page; one that fails is noted with what the shop said and its claim")
    func checks() async throws {
        let bench = JobBench(["a": .failure(PageTrouble(.blocked, retryAfter: 90)), "b": .success(.kettle)])
        bench.store.state.withLock { $0.targets = [1: .superseded, 2: .link("a"), 3: .link("b")] }
        try await bench.run { client async throws in
            func result(_ product: Int64) async throws -> String {
                try await client.enqueue(CheckPrice(productID: product, claim: 5)).value(within: Self.patience)
            }
            #expect(try await result(1) == "superseded")
            #expect(bench.parser.fetches.withLock { $0.isEmpty })
            #expect(try await result(2) == "blocked")
            #expect(try await result(3) == "unchanged")
            #expect(try await result(9) == "gone")
        }
        let failures = bench.store.state.withLock { $0.failures }
        #expect(failures.count == 1 && failures[0].trouble == PageTrouble(.blocked, retryAfter: 90) && failures[0].claim == 5)
        #expect(bench.store.state.withLock { $0.recorded } == [3])
    }

    @Test("an amount that is not above zero is no price", arguments: [0, -1, Int64.min])
    func nonsense(amount: Int64) async throws {
        var page = ProductPage.kettle
        page.price.minorUnits = amount
        let bench = JobBench(["a": .success(page)])
        bench.store.state.withLock { $0.targets = [1: .link("a")] }
        #expect(try await CheckPrice(productID: 1).run(in: JobContext(client: Enqueued()), using: bench.services) == "no_price")
    }

    @Test("a check that a user asks for answers whether the link works, and only for a watch of their own")
    func retry() async throws {
        let bench = JobBench([Self.link: .failure(PageTrouble(.notFound))])
        bench.store.state.withLock { $0.watches = [4: (77, .kettle)] }
        try await bench.run { client async throws in
            func outcome(_ chat: Int64) async throws -> RetryWatch.Outcome {
                try await client.enqueue(RetryWatch(chatID: chat, watchID: 4)).value(within: Self.patience)
            }
            #expect(try await outcome(78) == RetryWatch.Outcome(watch: nil))
            #expect(try await outcome(77) == RetryWatch.Outcome(watch: .kettle, failure: .notFound))
            bench.parser.pages.withLock { $0[Self.link] = .success(.kettle) }
            #expect(try await outcome(77) == RetryWatch.Outcome(watch: .kettle))
        }
        #expect(bench.store.state.withLock { $0.recorded } == [1])
    }

    @Test("settings out of bounds, of no zone and of no hour are refused with a reason, and nothing of the change is stored")
    func settings() async throws {
        let bench = JobBench()
        try await bench.run { client async throws in
            func change(_ change: PreferencesChange) async throws -> ChangeSettings.Outcome {
                try await client.enqueue(ChangeSettings(chatID: 77, change: change)).value(within: Self.patience)
            }
            let short = try await change(PreferencesChange(checkInterval: .set(299), digest: .set(.daily)))
            #expect(short.refusal == SettingsRefusal(.badInterval, minimum: 300, maximum: 604_800))
            #expect(try await change(PreferencesChange(checkInterval: .set(604_801))).refusal?.reason == .badInterval)
            #expect(try await change(PreferencesChange(timeZone: .set("; drop"))).refusal?.reason == .unknownTimeZone)
            #expect(try await change(PreferencesChange(timeZone: .set("Moon/Crater"))).refusal?.reason == .unknownTimeZone)
            #expect(try await change(PreferencesChange(digestHour: .set(24))).refusal?.reason == .badHour)
            #expect(bench.store.state.withLock { $0.preferences } == UserPreferences())
            let done = try await change(PreferencesChange(checkInterval: .set(300), timeZone: .set("utc+3")))
            #expect(done.preferences == UserPreferences(checkInterval: 300, timeZone: "+03:00"))
        }
    }

    @Test("one product's interval is set for a watch of the chat only, and within bounds")
    func interval() async throws {
        let bench = JobBench()
        bench.store.state.withLock { $0.watches = [4: (77, .kettle)] }
        try await bench.run { client async throws in
            func set(_ chat: Int64, _ seconds: Int?) async throws -> SetInterval.Outcome {
                try await client.enqueue(SetInterval(chatID: chat, watchID: 4, seconds: seconds)).value(within: Self.patience)
            }
            #expect(try await set(78, 900).refusal?.reason == .notFound)
            #expect(try await set(77, 1).refusal?.reason == .badInterval)
            #expect(try await set(77, 900).watch?.checkInterval == 900)
            #expect(try await set(77, nil).watch == .kettle)
        }
    }

    @Test("tidying up goes on in batches until nothing is left, and a run that has done its share has another one go on")
    func tidyUp() async throws {
        var bench = JobBench()
        bench.rules.upkeepBatch = 10
        bench.rules.upkeepBatches = 5
        bench.store.state.withLock { state in (state.oldPoints, state.oldRows) = (120, 7) }
        let queued = Enqueued()
        var runs = 0
        repeat {
            queued.tidyUps.withLock { $0 = 0 }
            _ = try await TidyUp().run(in: JobContext(client: queued), using: bench.services)
            runs += 1
        } while queued.tidyUps.withLock { $0 } > 0 && runs < 10
        #expect(runs == 3)
        #expect(bench.store.state.withLock { $0.oldPoints + $0.oldRows } == 0)
    }

    @Test("one run has all notifications enqueued that rested, batch by batch")
    func relaying() async throws {
        let bench = JobBench()
        bench.store.state.withLock { $0.resting = 1_200 }
        #expect(try await RelayOutbox().run(in: JobContext(), using: bench.services) == 1_200)
        #expect(bench.store.state.withLock { $0.resting } == 0)
        #expect(bench.store.state.withLock { $0.batches } == 3)
    }

    @Test("a notification that came too late is put to rest under the job that came with it")
    func resting() async throws {
        let bench = JobBench()
        _ = try await RestNotification(outboxID: 9, job: "notify-9-k").run(in: JobContext(), using: bench.services)
        let rested = bench.store.state.withLock { $0.rested }
        #expect(rested.map(\.row) == [9] && rested.map(\.job) == ["notify-9-k"])
    }

    @Test("tidying up forgets the time zones that the database does not know")
    func zones() async throws {
        let bench = JobBench()
        bench.store.state.withLock { $0.unknownZones = 3 }
        _ = try await TidyUp().run(in: JobContext(), using: bench.services)
        #expect(bench.store.state.withLock { $0.unknownZones } == 0)
    }

    @Test("digests are written batch by batch")
    func digests() async throws {
        var bench = JobBench()
        bench.rules.digestBatch = 10
        bench.store.state.withLock { $0.digests = 25 }
        #expect(try await SendDigests().run(in: JobContext(), using: bench.services) == 25)
        #expect(bench.store.state.withLock { $0.batches } == 3)
    }
}

extension JobBench {
    var services: PriceWatchServices { PriceWatchServices(store: store, parser: parser, rules: rules) }
}

/// What a job enqueued.
private final class Enqueued: JobEnqueuing {
    let checks = Mutex<[CheckPrice]>([])
    let tidyUps = Mutex(0)
    let limitKeys = Mutex<[JSONValue?]>([])

    func enqueueJob<Definition: JobDefinition>(_ job: Definition, _ options: EnqueueOptions) async throws -> String {
        switch job {
        case let check as CheckPrice:
            checks.withLock { $0.append(check) }
            limitKeys.withLock { $0.append(options.headers["apium_limit"]) }
        case is TidyUp: tidyUps.withLock { $0 += 1 }
        default: break
        }
        return "x"
    }
}
