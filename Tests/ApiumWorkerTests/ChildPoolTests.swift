import DynamicJSON
import Testing

@testable import ApiumWorker

/// A pool without processes: what it wants done is listed, and time is what the test says.
private struct Pool {
    typealias Action = ChildPoolState.Action

    var state: ChildPoolState
    var now = ContinuousClock.now
    let order = { (run: UInt64) in ChildRun(number: run, queue: "q", fence: 1, payload: [1]) }

    init(children: Int = 2, options: IsolationOptions = IsolationOptions(isSupported: true)) {
        state = ChildPoolState(limits: .init(children: children, options: options))
    }

    /// A pool whose first child runs run 1.
    static func busy(children: Int = 2, options: IsolationOptions = IsolationOptions(isSupported: true)) -> Pool {
        var pool = Pool(children: children, options: options)
        _ = pool.state.want(1, now: pool.now)
        _ = pool.state.ready(1, now: pool.now)
        _ = pool.state.begin(pool.order(1), now: pool.now)
        _ = pool.state.begun(1, 1)
        return pool
    }

    mutating func answer(_ child: Int, _ run: UInt64, residentKiB: Int = 0) -> [Action] {
        state.answered(child, run, ["value": 1], residentKiB: residentKiB, now: now)
    }
}

@Suite("The pool of children")
struct ChildPoolTests {
    private let answered = ChildPoolState.Action.finished(run: 1, .answered(["value": 1]))

    @Test("nothing is started before it is wanted, and a run goes from its child's start to its answer")
    func wholeRun() {
        var pool = Pool()
        #expect(pool.state.isEmpty)
        #expect(pool.state.want(1, now: pool.now) == [.spawn(1)])
        #expect(pool.state.ready(1, now: pool.now) == [.placed(run: 1, child: 1)])
        #expect(pool.state.begin(pool.order(1), now: pool.now) == [.send(1, .run(pool.order(1)))])
        #expect(pool.state.begun(1, 1).isEmpty)
        #expect(pool.answer(1, 1) == [answered])
        #expect(pool.state.want(2, now: pool.now) == [.placed(run: 2, child: 1)])
    }

    @Test("there are never more children than allowed, and who waits gets the next free one")
    func bound() {
        var pool = Pool(children: 2)
        #expect(pool.state.want(1, now: pool.now) == [.spawn(1)])
        #expect(pool.state.want(2, now: pool.now) == [.spawn(2)])
        #expect(pool.state.want(3, now: pool.now).isEmpty)
        #expect(pool.state.ready(2, now: pool.now) == [.placed(run: 1, child: 2)])
        #expect(pool.state.ready(1, now: pool.now) == [.placed(run: 2, child: 1)])
        #expect(pool.state.release(1, now: pool.now) == [.placed(run: 3, child: 2)])
    }

    @Test("a pool that grows starts children for those who wait; one that shrank starts no more than it may")
    func resized() {
        var pool = Pool(children: 1)
        #expect(pool.state.want(1, now: pool.now) == [.spawn(1)])
        #expect(pool.state.want(2, now: pool.now).isEmpty)
        #expect(pool.state.want(3, now: pool.now).isEmpty)
        #expect(pool.state.resize(to: 2, now: pool.now) == [.spawn(2)])
        #expect(pool.state.resize(to: 1, now: pool.now).isEmpty)
        #expect(pool.state.ready(1, now: pool.now) == [.placed(run: 1, child: 1)])
        #expect(pool.state.ready(2, now: pool.now) == [.placed(run: 2, child: 2)])
    }

    @Test("a child that dies is its run's end alone, and another takes its place")
    func death() {
        var pool = Pool.busy()
        _ = pool.state.want(2, now: pool.now)
        let actions = pool.state.ended(1, .signalled(11), now: pool.now)
        #expect(actions == [.note(.died(child: 1, .signalled(11), run: 1)), .finished(run: 1, .lost(.signalled(11)))])
        #expect(pool.state.ready(2, now: pool.now) == [.placed(run: 2, child: 2)])
    }

    @Test("the death of a child before it has begun is not the run's, until it happens again and again")
    func displaced() {
        var pool = Pool(children: 1)
        _ = pool.state.want(1, now: pool.now)
        _ = pool.state.ready(1, now: pool.now)
        _ = pool.state.begin(pool.order(1), now: pool.now)
        #expect(pool.state.ended(1, .signalled(9), now: pool.now) == [.note(.died(child: 1, .signalled(9), run: 1)), .spawn(2)])
        #expect(pool.state.ready(2, now: pool.now) == [.send(2, .run(pool.order(1)))])
        #expect(pool.state.ended(2, .signalled(9), now: pool.now).contains(.spawn(3)))
        _ = pool.state.ready(3, now: pool.now)
        let last = pool.state.ended(3, .signalled(9), now: pool.now)
        #expect(last.contains { if case .finished(run: 1, .unstartable) = $0 { true } else { false } })
    }

    @Test("a child that dies while its run is got ready is replaced when the run begins")
    func deathBetween() {
        var pool = Pool(children: 1)
        _ = pool.state.want(1, now: pool.now)
        _ = pool.state.ready(1, now: pool.now)
        #expect(pool.state.ended(1, .exited(0), now: pool.now) == [.note(.died(child: 1, .exited(0), run: 1))])
        #expect(pool.state.begin(pool.order(1), now: pool.now) == [.spawn(2)])
        #expect(pool.state.ready(2, now: pool.now) == [.send(2, .run(pool.order(1)))])
    }

    @Test("a child that cannot be started ends one waiting run, not all")
    func startFailure() {
        var pool = Pool(children: 2)
        for run in 1...3 { _ = pool.state.want(UInt64(run), now: pool.now) }
        let actions = pool.state.ended(1, .unknown, because: "no memory", now: pool.now)
        #expect(actions == [.note(.failedToStart(reason: "no memory")), .finished(run: 1, .unstartable("no memory")), .spawn(3)])
    }

    @Test("a child that is not ready in time is killed, and says why")
    func slowStart() {
        var pool = Pool(children: 1, options: IsolationOptions(isSupported: true, startLimit: .seconds(5)))
        _ = pool.state.want(1, now: pool.now)
        #expect(pool.state.nextDeadline == pool.now + .seconds(5))
        pool.now += .seconds(5)
        #expect(pool.state.due(now: pool.now) == [.signal(1, 9)])
        let actions = pool.state.ended(1, .signalled(9), now: pool.now)
        #expect(actions.first == .note(.failedToStart(reason: "it was not ready within 5.0 seconds")))
    }

    @Test("a signal is followed by SIGKILL after the grace, and the run ends with the child")
    func termination() {
        var pool = Pool.busy()
        #expect(pool.state.stop(1, frame: nil, signal: 15, killAfter: .milliseconds(500), now: pool.now) == [.signal(1, 15)])
        #expect(pool.state.nextDeadline == pool.now + .milliseconds(500))
        pool.now += .milliseconds(500)
        #expect(pool.state.due(now: pool.now) == [.signal(1, 9)])
        #expect(pool.state.ended(1, .signalled(9), now: pool.now).contains(.finished(run: 1, .lost(.signalled(9)))))
    }

    @Test("a job that heeds the order to end keeps its child")
    func heeded() {
        var pool = Pool.busy()
        #expect(pool.state.stop(1, frame: .abandoned, signal: nil, killAfter: .seconds(2), now: pool.now) == [.send(1, .cancel(1, .abandoned))])
        #expect(pool.answer(1, 1) == [answered])
        pool.now += .seconds(2)
        #expect(pool.state.due(now: pool.now).isEmpty)
        #expect(pool.state.want(2, now: pool.now) == [.placed(run: 2, child: 1)])
    }

    @Test("a child that was signalled gets no other run, even if it answers first")
    func answeredTooLate() {
        var pool = Pool.busy(children: 1)
        _ = pool.state.stop(1, frame: nil, signal: 15, killAfter: .seconds(1), now: pool.now)
        #expect(pool.answer(1, 1) == [answered])
        #expect(pool.state.want(2, now: pool.now) == [.spawn(2)])
    }

    @Test("a run that is stopped before it has a child is withdrawn")
    func withdrawn() {
        var pool = Pool(children: 1)
        _ = pool.state.want(1, now: pool.now)
        #expect(pool.state.stop(1, frame: nil, signal: nil, killAfter: .zero, now: pool.now) == [.finished(run: 1, .withdrawn)])
        // Its child stays for the next.
        #expect(pool.state.ready(1, now: pool.now).isEmpty)
        #expect(pool.state.want(2, now: pool.now) == [.placed(run: 2, child: 1)])
    }

    @Test("a placed run that is stopped before it begins leaves its child to others")
    func stoppedWhilePlaced() {
        var pool = Pool(children: 1)
        _ = pool.state.want(1, now: pool.now)
        _ = pool.state.ready(1, now: pool.now)
        #expect(pool.state.stop(1, frame: nil, signal: 15, killAfter: .zero, now: pool.now).isEmpty)
        _ = pool.state.want(2, now: pool.now)
        #expect(pool.state.begin(pool.order(1), now: pool.now) == [.finished(run: 1, .withdrawn), .placed(run: 2, child: 1)])
    }

    @Test("a child is recycled after its number of jobs")
    func worn() {
        var pool = Pool.busy(children: 1, options: IsolationOptions(isSupported: true, maxJobsPerChild: 1))
        _ = pool.state.want(2, now: pool.now)
        let actions = pool.answer(1, 1, residentKiB: 10)
        #expect(actions == [answered, .note(.recycled(child: 1, jobs: 1, residentKiB: 10)), .send(1, .stop), .spawn(2)])
        #expect(pool.state.ended(1, .exited(0), now: pool.now).isEmpty)
    }

    @Test("a child is recycled when it holds too much memory, and killed when it does not go")
    func fat() {
        var pool = Pool.busy(children: 1, options: IsolationOptions(isSupported: true, maxMemoryPerChild: 1000))
        #expect(pool.answer(1, 1, residentKiB: 1001) == [answered, .note(.recycled(child: 1, jobs: 1, residentKiB: 1001)), .send(1, .stop)])
        pool.now += .seconds(10)
        #expect(pool.state.due(now: pool.now) == [.signal(1, 9)])
        var lean = Pool.busy(children: 1, options: IsolationOptions(isSupported: true, maxMemoryPerChild: 1000))
        #expect(lean.answer(1, 1, residentKiB: 1000) == [answered])
    }

    @Test("garbage kills the child, and costs its run")
    func garbage() {
        var pool = Pool.busy()
        #expect(pool.state.garbage(1, "nonsense") == [.note(.garbage(child: 1, "nonsense")), .signal(1, 9)])
        #expect(pool.state.garbage(1, "more nonsense").isEmpty)
        #expect(pool.state.ended(1, .signalled(9), now: pool.now).contains(.finished(run: 1, .lost(.signalled(9)))))
    }

    @Test("answers, questions and beginnings for another's run are garbage")
    func foreign() {
        for event in 0..<4 {
            var pool = Pool.busy()
            let actions =
                switch event {
                case 0: pool.answer(1, 7)
                case 1: pool.state.asked(1, 7, question: 1, .report("X", nil))
                case 2: pool.state.begun(1, 1)
                default: pool.state.ready(1, now: pool.now)
                }
            #expect(actions.contains(.signal(1, 9)), "event \(event)")
        }
    }

    @Test("a question is answered to the child that asked, and to nobody once its run is over")
    func questions() {
        var pool = Pool.busy()
        #expect(pool.state.asked(1, 1, question: 5, .report("X", 1)) == [.asked(run: 1, question: 5, .report("X", 1))])
        #expect(pool.state.answer(1, question: 5, .value(nil)) == [.send(1, .answer(1, question: 5, .value(nil)))])
        _ = pool.answer(1, 1)
        #expect(pool.state.answer(1, question: 5, .value(nil)).isEmpty)
    }

    @Test("an idle child goes after a while, the one that was used last after the others")
    func idle() {
        var pool = Pool(children: 2, options: IsolationOptions(isSupported: true, idleLimit: .seconds(60)))
        _ = pool.state.want(1, now: pool.now)
        _ = pool.state.want(2, now: pool.now)
        _ = pool.state.ready(1, now: pool.now)
        _ = pool.state.ready(2, now: pool.now)
        _ = pool.state.release(1, now: pool.now)
        pool.now += .seconds(30)
        _ = pool.state.release(2, now: pool.now)
        #expect(pool.state.want(3, now: pool.now) == [.placed(run: 3, child: 2)])
        pool.now += .seconds(30)
        #expect(pool.state.due(now: pool.now) == [.send(1, .stop)])
    }

    @Test("a child that hangs up is given time to end, and then killed")
    func hungUp() {
        var pool = Pool.busy()
        pool.state.hungUp(1, now: pool.now)
        #expect(pool.state.due(now: pool.now).isEmpty)
        pool.now += .seconds(2)
        #expect(pool.state.due(now: pool.now) == [.signal(1, 9)])
    }

    @Test("a shut pool asks idle children to end, kills the others, and takes nothing more")
    func shut() {
        var pool = Pool.busy(children: 2)
        _ = pool.state.want(2, now: pool.now)
        _ = pool.state.ready(2, now: pool.now)
        _ = pool.state.release(2, now: pool.now)
        _ = pool.state.want(3, now: pool.now)
        _ = pool.state.want(4, now: pool.now)
        let actions = pool.state.shut(now: pool.now)
        #expect(actions.contains(.finished(run: 4, .withdrawn)))
        #expect(actions.contains(.signal(1, 9)) && actions.contains(.signal(2, 9)))
        #expect(pool.state.want(5, now: pool.now) == [.finished(run: 5, .withdrawn)])
        #expect(pool.state.begin(pool.order(3), now: pool.now) == [.finished(run: 3, .withdrawn)])
        #expect(pool.state.ended(1, .signalled(9), now: pool.now).contains(.finished(run: 1, .lost(.signalled(9)))))
        _ = pool.state.ended(2, .signalled(9), now: pool.now)
        #expect(pool.state.isEmpty)
    }

    @Test("options that cannot be are refused, each by name")
    func options() {
        let options = IsolationOptions(
            pool: .processes, maxJobsPerChild: -1, maxMemoryPerChild: -1, crashLimit: 0, startLimit: .zero, terminationGrace: .seconds(-1))
        #expect(options.faults.count == 6)
        #expect(IsolationOptions().faults.isEmpty)
    }
}
