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

    @Test("what was seen while the server refused renewals is forgotten")
    func forgets() {
        var observer = LeaseObserver()
        _ = watch(&observer, 0..<5, through: sight())
        observer.forget()
        #expect(watch(&observer, 5..<11, through: sight()) == [10])
    }

    @Test("another run of the server forgets all that was seen", arguments: ["another", nil])
    func restart(server: String?) {
        var observer = LeaseObserver()
        _ = watch(&observer, 0..<5, through: sight())
        #expect(watch(&observer, 5..<11, through: sight(1, server: server)) == [10])
    }

    @Test("a server that does not say which run it is is another one with each connection")
    func unknownServer() {
        var observer = LeaseObserver()
        _ = watch(&observer, 0..<5, through: sight(server: nil))
        #expect(watch(&observer, 5..<11, through: sight(1, server: nil)) == [10])
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

    @Test("a time in which nobody renewed was an outage for all, and what was seen before it is forgotten")
    func outage() {
        var observer = LeaseObserver()
        for second in 0..<5 { _ = observer.look([worker(7), worker(second, "other")], through: sight(), at: start + .seconds(second)) }
        let after = observer.look([worker(7), worker(5, "other")], through: sight(1), at: start + .seconds(30))
        #expect(after.isEmpty)
        #expect(watch(&observer, 31..<36, through: sight(1)) == [35])
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
