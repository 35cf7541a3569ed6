import Randomness
import Testing

@testable import ApiumRedis

@Suite("Deciding who lost the lease")
struct LeaseObserverTests {
    private final class Connection {}
    private let start = SuspendingClock.now
    private let connections = (0..<8).map { _ in Connection() }

    private func worker(_ beat: Int, _ incarnation: String = "w", lease: Duration = .seconds(5)) -> LeaseObserver.Look {
        (incarnation, String(beat), lease)
    }

    private func sight(_ connection: Int = 0, server: String? = "run") -> LeaseObserver.Sight {
        LeaseObserver.Sight(server: server, connection: ObjectIdentifier(connections[connection]))
    }

    /// Looks at a worker whose counter stands at 7, once a second.
    private func watch(
        _ observer: inout LeaseObserver, _ seconds: Range<Int>, through sight: LeaseObserver.Sight, told: [String: LeaseObserver.Silence] = [:]
    ) -> [Int] {
        seconds.filter { !observer.look([worker(7)], through: sight, told: told, at: start + .seconds($0)).isEmpty }
    }

    @Test("a counter that stands still for the lease, seen each second, is a lost lease")
    func silence() {
        var observer = LeaseObserver()
        #expect(watch(&observer, 0..<6, through: sight()) == [5])
    }

    @Test("a renewal starts the count again")
    func renewal() {
        var observer = LeaseObserver()
        for second in 0..<20 {
            #expect(observer.look([worker(second / 4)], through: sight(), at: start + .seconds(second)).isEmpty)
        }
    }

    @Test("a pause of the server, or of the observer, expires nobody")
    func pause() {
        var observer = LeaseObserver()
        _ = observer.look([worker(7)], through: sight(), at: start)
        #expect(observer.look([worker(7)], through: sight(), at: start + .seconds(3600)).isEmpty)
        #expect(observer.look([worker(8)], through: sight(), at: start + .seconds(3601)).isEmpty)
    }

    @Test("a pause expires nobody whose lease is as short as the pause, either")
    func shortLease() {
        var observer = LeaseObserver()
        func look(_ beat: Int, after seconds: Double) -> Bool {
            observer.look([worker(beat, lease: .seconds(1))], through: sight(), at: start + .seconds(seconds)).isEmpty
        }
        #expect(look(7, after: 0) && look(7, after: 0.25))
        // The server stood still for ten leases.
        #expect(look(7, after: 10) && look(7, after: 10.25) && look(8, after: 10.5))
        #expect(look(8, after: 10.75) && look(8, after: 11) && look(8, after: 11.25))
        #expect(!look(8, after: 11.5))
    }

    @Test("after a time in which the server refused renewals, silence goes on to grow beyond the grace only")
    func refusal() {
        var observer = LeaseObserver()
        _ = watch(&observer, 0..<5, through: sight())
        observer.interrupt()
        #expect(watch(&observer, 5..<9, through: sight()) == [8])
    }

    @Test("in another run of the server silence goes on to grow beyond the grace only", arguments: ["another", nil])
    func restart(server: String?) {
        var observer = LeaseObserver()
        _ = watch(&observer, 0..<5, through: sight())
        #expect(watch(&observer, 5..<9, through: sight(1, server: server)) == [8])
    }

    @Test("a server that does not say which run it is is another one with each connection")
    func unknownServer() {
        var observer = LeaseObserver()
        _ = watch(&observer, 0..<5, through: sight(server: nil))
        #expect(watch(&observer, 5..<9, through: sight(1, server: nil)) == [8])
    }

    @Test("a worker that renews within the grace of a restart begins at nothing, whatever was seen before")
    func renewsAfterRestart() {
        var observer = LeaseObserver()
        _ = watch(&observer, 0..<5, through: sight())
        _ = watch(&observer, 5..<7, through: sight(1, server: "another"))
        for second in 7..<12 { #expect(observer.look([worker(8)], through: sight(1, server: "another"), at: start + .seconds(second)).isEmpty) }
        #expect(!observer.look([worker(8)], through: sight(1, server: "another"), at: start + .seconds(12)).isEmpty)
    }

    @Test("however often the server is restarted, silence adds up over the runs that are longer than the grace, and over no others")
    func restarts() {
        func expiry(run: Int) -> Int? {
            var observer = LeaseObserver()
            // A look each half second; after each run the server is away for a second.
            for half in 0..<400 where half % (2 * run + 2) < 2 * run {
                let number = half / (2 * run + 2)
                let now = start + .milliseconds(500 * half)
                if !observer.look([worker(7)], through: sight(number % 8, server: "run \(number)"), at: now).isEmpty { return half / 2 }
            }
            return nil
        }
        #expect(expiry(run: 3) == 6, "2.5 s are seen in each of the first two runs")
        #expect(expiry(run: 4) == 7)
        #expect(expiry(run: 2) == nil)
    }

    /// A worker that lives as a ``LeaseKeeper`` does: it renews a random time after the server is back, within the grace, and then each period.
    private struct Living {
        let lease: Duration
        var beat = 0
        var next = Duration.zero

        mutating func serverIsBack(at time: Duration, dice: inout some RandomNumberGenerator) {
            next = time + LeaseObserver.grace(lease) * Double.random(in: 0...0.99, using: &dice)
        }

        mutating func live(until time: Duration) {
            while next <= time {
                beat += 1
                next += LeaseKeeper.period(lease)
            }
        }
    }

    @Test("no worker that lives is expired, whatever the server's runs and the observer's looks are, and what the server forgets", arguments: 0..<40)
    func living(seed: UInt64) {
        var dice = SplitMix(seed: seed)
        let lease = Duration.seconds(Int.random(in: 3...8, using: &dice))
        var (observer, living, time) = (LeaseObserver(), Living(lease: lease), Duration.zero)
        for run in 0..<300 {
            let end = time + .milliseconds(Int.random(in: 100...9000, using: &dice))
            living.serverIsBack(at: time, dice: &dice)
            var look = time
            while look < end {
                living.live(until: look)
                let seen = [worker(living.beat, lease: lease), worker(3, "dead", lease: lease)]
                let expired = observer.look(seen, through: sight(run % 8, server: "run \(run)"), at: start + look)
                #expect(!expired.contains { $0.incarnation == "w" })
                look += .milliseconds(Int.random(in: 50...1000, using: &dice))
            }
            living.live(until: end)
            // What it had not written down yet is gone with the server.
            living.beat = max(0, living.beat - Int.random(in: 0...2, using: &dice))
            time = end + .milliseconds(Int.random(in: 0...4000, using: &dice))
        }
    }

    @Test("a connection that is made again at once costs one look")
    func reconnect() {
        var observer = LeaseObserver()
        _ = watch(&observer, 0..<4, through: sight())
        // The second between the two connections is not counted: it was not seen.
        #expect(watch(&observer, 4..<7, through: sight(1)) == [6])
    }

    @Test("however often the own connection breaks, a silent worker is found while another one renews")
    func storm() {
        var observer = LeaseObserver()
        var found: [Int] = []
        for second in 0..<20 {
            // Two seconds on each connection; the other worker renews each second.
            let lost = observer.look([worker(7), worker(second, "other")], through: sight(second / 2 % 8), at: start + .seconds(second))
            if lost.contains(where: { $0.incarnation == "w" }) { found.append(second) }
            #expect(!lost.contains { $0.incarnation == "other" })
        }
        #expect(found.first == 9)
    }

    @Test("a time in which nobody renewed was an outage for all, and what was seen before it goes on to grow beyond the grace only")
    func outage() {
        var observer = LeaseObserver()
        for second in 0..<5 { _ = observer.look([worker(7), worker(second, "other")], through: sight(), at: start + .seconds(second)) }
        let after = observer.look([worker(7), worker(5, "other")], through: sight(1), at: start + .seconds(30))
        #expect(after.isEmpty)
        #expect(watch(&observer, 31..<34, through: sight(1)) == [33])
    }

    @Test("while another worker renewed, an absence of the observer forgets nothing, and counts for nothing")
    func absence() {
        var observer = LeaseObserver()
        for second in 0..<5 { _ = observer.look([worker(7), worker(second, "other")], through: sight(), at: start + .seconds(second)) }
        #expect(observer.look([worker(7), worker(29, "other")], through: sight(1), at: start + .seconds(30)).isEmpty)
        #expect(watch(&observer, 31..<32, through: sight(1)) == [31])
    }

    @Test("a new observer goes on from what others have seen, of the same counter only")
    func told() {
        let silence = LeaseObserver.Silence(beat: "7", length: .seconds(4))
        var observer = LeaseObserver()
        #expect(observer.isFresh)
        #expect(watch(&observer, 0..<2, through: sight(), told: ["w": silence]) == [1])
        #expect(!observer.isFresh)
        var other = LeaseObserver()
        #expect(watch(&other, 0..<6, through: sight(), told: ["w": LeaseObserver.Silence(beat: "6", length: .seconds(4))]) == [5])
    }

    @Test("what others have seen in another run of the server is gone on from beyond the grace only")
    func toldOfAnotherRun() {
        let silence = LeaseObserver.Silence(beat: "7", length: .seconds(4), pending: .zero)
        var observer = LeaseObserver()
        #expect(watch(&observer, 0..<4, through: sight(), told: ["w": silence]) == [3])
    }

    @Test("what others say later is not added to what was seen here")
    func toldLate() {
        var observer = LeaseObserver()
        let silence = LeaseObserver.Silence(beat: "7", length: .seconds(4))
        _ = watch(&observer, 0..<1, through: sight())
        #expect(watch(&observer, 1..<6, through: sight(), told: ["w": silence]) == [5])
    }

    @Test("others are told of those who miss their renewals, and of nobody else")
    func telling() {
        var observer = LeaseObserver()
        let looks = [0, 1, 2].map { second in
            let workers = [worker(7), worker(second, "other")]
            _ = observer.look(workers, through: sight(), at: start + .seconds(second))
            return observer.silent(among: workers)
        }
        #expect(looks == [[:], [:], ["w": LeaseObserver.Silence(beat: "7", length: .seconds(2))]])
    }
}

@Suite("What observers tell one another", .enabled(if: Bench.url != nil))
struct SilenceBoardTests {
    @Test("a silence that has not stood the grace of this run of the server has not stood it for the next observer")
    func pending() async throws {
        try await Bench.with { bench in
            let connection = try await bench.redis.connection()
            let board = SilenceBoard(keys: bench.broker.keys, connection: connection)
            let seen: [String: LeaseObserver.Silence] = [
                "pending": .init(beat: "7", length: .seconds(6), pending: .seconds(1)), "whole": .init(beat: "8", length: .seconds(3)),
            ]
            try await board.write(seen, in: "run")
            let told = try await board.read(in: "run")
            #expect(told["pending"] == .init(beat: "7", length: .seconds(6), pending: .zero))
            #expect(told["whole"] == seen["whole"])
            #expect(try await board.read(in: "another")["whole"]?.pending == .zero)
            var observer = LeaseObserver()
            let sight = LeaseObserver.Sight(server: "run", connection: ObjectIdentifier(connection))
            #expect(observer.look([("pending", "7", .seconds(5))], through: sight, told: told, at: .now).isEmpty)
        }
    }
}
