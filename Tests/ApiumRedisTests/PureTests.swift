import ApiumCore
import ApiumYAML
import DynamicJSON
import RedisClient
import Testing

@testable import ApiumRedis

@Suite("The order of ready lists")
struct ReadyRotationTests {
    private let keys = RedisKeys()

    @Test("the step is outermost, queues take turns within it")
    func order() {
        var rotation = ReadyRotation(queues: ["a", "b"], keys: keys)
        #expect(rotation.all.prefix(4) == ["a", "b", "a\u{06}\u{16}3", "b\u{06}\u{16}3"])
        rotation.rotate(after: "a\u{06}\u{16}3")
        #expect(rotation.all.prefix(2) == ["b", "a"])
        #expect(rotation.standing.prefix(2) == ["a", "b"])
    }

    @Test("only hot lists of the most urgent step are claimed from")
    func hot() {
        var rotation = ReadyRotation(queues: ["a", "b"], keys: keys)
        rotation.setHot("a", false)
        #expect(rotation.mostUrgentHot(9) == ["b"])
        rotation.setHot("b", false)
        #expect(rotation.mostUrgentHot(9) == ["a\u{06}\u{16}3", "b\u{06}\u{16}3"])
        #expect(rotation.cold(2) == ["a", "b"])
    }

    @Test("while jobs are long a claim takes of so few lists that their batches are worth it, and the others have the next turn")
    func fewLists() {
        let names = (1...40).map { "q\($0)" }
        var rotation = ReadyRotation(queues: names, keys: keys)
        #expect(rotation.plan(1, share: 0) { _ in 16 }.map(\.count) == [1])
        #expect(rotation.plan(16, share: 1) { _ in 16 }.map(\.count) == Array(repeating: 1, count: 16))
        #expect(ReadyRotation(queues: ["a"], keys: keys).plan(16, share: 0) { _ in 100 }.map(\.count) == [16], "a list that is alone gives all that is wanted")
        #expect(ReadyRotation(queues: ["a", "b"], keys: keys).plan(100, share: 1) { _ in 1000 }.map(\.count) == [50, 50])
        var served: [String] = []
        while served.count < 40 {
            let plan = rotation.plan(100, share: 0) { _ in 1000 }
            #expect(plan.map(\.count).reduce(0, +) == 100 && plan.allSatisfy { (1...7).contains($0.count) })
            for (list, _) in plan { rotation.rotate(after: list) }
            served += plan.map(\.list)
        }
        #expect(Set(served.prefix(40)) == Set(names))
    }

    @Test("while jobs are short each list gives what is run in its turn, no more than it holds, and none goes without a turn")
    func turns() {
        let names = (1...200).map { "q\($0)" }
        var rotation = ReadyRotation(queues: names, keys: keys)
        #expect(rotation.plan(400, share: 300) { _ in 100 }.map(\.count) == [100, 100, 100, 100])
        #expect(rotation.plan(400, share: 300) { _ in 5000 }.map(\.count) == [300, 100])
        #expect(rotation.plan(400, share: 5000) { _ in 4 }.count == 25, "a claim of short lists is no longer than one while jobs are long")
        var served: [String: Int] = [:]
        for _ in 0..<50 {
            for (list, count) in rotation.plan(400, share: 300, wanted: { 100 - served[$0, default: 0] }) {
                rotation.rotate(after: list)
                served[list, default: 0] += count
            }
        }
        #expect(served.count == 200 && served.values.allSatisfy { $0 == 100 })
    }

    @Test("the more jobs are run the more a list gives at its turn; a pause ends that")
    func pace() {
        let start = ContinuousClock.now
        var pace = TurnPace()
        #expect(pace.share(at: start) == 0)
        // 60 jobs each millisecond.
        for millisecond in 0..<300 { pace.claimed(60, at: start + .milliseconds(millisecond)) }
        #expect((200...400).contains(pace.share(at: start + .milliseconds(300))))
        #expect(pace.share(at: start + .seconds(10)) == 0)
        var slow = TurnPace()
        for second in 0..<20 { slow.claimed(10, at: start + .seconds(second)) }
        #expect(slow.share(at: start + .seconds(20)) == 0)
    }

    @Test("other queues are served, and what was known of those that stay is kept")
    func serve() {
        var rotation = ReadyRotation(queues: ["a", "b"], keys: keys)
        for list in rotation.all { rotation.setHot(list, false) }
        rotation.rotate(after: "a")
        rotation.serve(["a", "b", "c"])
        #expect(rotation.all.prefix(3) == ["b", "a", "c"])
        #expect(rotation.mostUrgentHot(9) == ["c"])
        rotation.serve(["c"])
        rotation.setHot("a", true)
        #expect(rotation.all.prefix(1) == ["c"] && rotation.queue(of: "a\u{06}\u{16}3") == "a")
    }

    @Test("shares add up to the limit and none is empty", arguments: [(1, 3), (7, 3), (3, 3), (100, 7), (2, 1)])
    func shares(limit: Int, count: Int) {
        let shares = ReadyRotation.shares(limit, among: count)
        #expect(shares.reduce(0, +) == limit)
        #expect(shares.count == min(limit, count))
        #expect(shares.allSatisfy { $0 > 0 })
    }
}

@Suite("Names on the server")
struct RedisKeysTests {
    @Test(
        "priorities go to the step that is not above them, and back to the queue's name", arguments: [(0, ""), (2, ""), (3, "3"), (5, "3"), (9, "9"), (6, "6")])
    func steps(priority: Int, suffix: String) {
        let keys = RedisKeys(prefix: "p:")
        let list = keys.ready("mail", priority: priority)
        #expect(list == "p:mail" + (suffix.isEmpty ? "" : "\u{06}\u{16}" + suffix))
        #expect(keys.queue(ofReady: list) == "mail")
    }

    @Test("the results' prefix gets Celery's underscore", arguments: [("", ""), ("a", "a_"), ("a:", "a:"), ("a_", "a_"), ("a-", "a-"), ("a.", "a.")])
    func resultPrefix(given: String, used: String) {
        #expect(ResultKeys(given).task("x") == used + "celery-task-meta-x")
    }
}

@Suite("The end of the janitor's rest")
struct RestAlarmTests {
    private let start = SuspendingClock.now

    private func ended(_ alarm: inout RestAlarm, next: Duration) -> Bool { alarm.roundEnded(next: start + next) }

    private func told(_ alarm: inout RestAlarm, _ due: Duration) -> Bool { alarm.tell(start + due) }

    @Test("what is due before the next round ends the rest, what is due with it or later does not")
    func rest() {
        var alarm = RestAlarm()
        alarm.roundBegins()
        let answers = [
            ended(&alarm, next: .milliseconds(500)), told(&alarm, .milliseconds(800)), told(&alarm, .milliseconds(499)), told(&alarm, .milliseconds(20)),
        ]
        #expect(answers == [false, false, false, true])
    }

    @Test("what is told of while a round is under way counts at its end, and for that round alone")
    func round() {
        var alarm = RestAlarm()
        alarm.roundBegins()
        var answers = [told(&alarm, .milliseconds(20)), told(&alarm, .milliseconds(90)), ended(&alarm, next: .milliseconds(500))]
        alarm.roundBegins()
        answers.append(ended(&alarm, next: .milliseconds(500)))
        #expect(answers == [false, false, true, false])
    }

    @Test("what the round has seen itself does not end the rest")
    func seen() {
        var alarm = RestAlarm()
        alarm.roundBegins()
        let answers = [told(&alarm, .milliseconds(20)), ended(&alarm, next: .milliseconds(20))]
        #expect(answers == [false, false])
    }
}

@Suite("Shelved records as they are kept")
struct ShelvedRecordTests {
    @Test("a record of any bytes is JSON with sorted keys, and is read as it was", arguments: [0, 1, 2, 3, 4, 1000])
    func roundTrip(size: Int) throws {
        for task in ["shop.\"check\"", nil] {
            let record = ShelvedRecord(
                id: "ид", task: task, queue: "q", reason: "it said \"no\"\n", at: Timestamp(microseconds: 1_700_000_000_000_001), attempts: 3,
                payload: (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 37) })
            #expect(try ShelvedRecord(encoded: record.encoded, name: record.id) == record)
            #expect(try JSONValue(parsing: record.encoded).encoded() == record.encoded)
            #expect(try ShelvedRecord(encoded: record.head + record.payload, name: record.id) == record)
        }
    }

    @Test("what is no record is refused", arguments: ["", "{}", "{}\0message", "no JSON\0message", #"{"id":"a","queue":"q","payload":"?"}"#])
    func refused(text: String) {
        #expect(throws: ApiumError.self) { try ShelvedRecord(encoded: Array(text.utf8), name: "a") }
    }
}

@Suite("How often reaped workers are swept")
struct SweepScheduleTests {
    @Test("all of them first and each minute, the recent ones in between")
    func windows() {
        let start = SuspendingClock.now
        var schedule = SweepSchedule()
        let windows = [0, 1, 59, 60, 61, 120].map { schedule.next(at: start + .seconds($0)) }
        #expect(windows == [nil, .seconds(60), .seconds(60), nil, .seconds(60), nil])
    }
}

@Suite("When a batch may be deleted")
struct BatchLedgerTests {
    @Test("the last call for a batch closes it, also when it is repeated")
    func closing() {
        var ledger = BatchLedger()
        let batch = ledger.makeBatch()
        ledger.claimed(batch, size: 3)
        let calls = [ledger.ending(batch, [0, 1]), ledger.ending(batch, [1]), ledger.ending(batch, [2]), ledger.ending(batch, [2])]
        #expect(calls == [false, false, true, true])
        let open = [ledger.ended(batch, [0, 1], gone: false), ledger.ended(batch, [2], gone: false), ledger.ended(batch, [2], gone: true)]
        #expect(open == [false, true, false])
        let late = ledger.ending(batch, [0])
        #expect(late)
    }

    @Test("batches are told by the order of their claims, not of their making")
    func turns() {
        var ledger = BatchLedger()
        let (early, late, empty) = (ledger.makeBatch(), ledger.makeBatch(), ledger.makeBatch())
        ledger.claimed(late, size: 1)
        ledger.claimed(early, size: 1)
        #expect(ledger.turns == [late: 1, early: 2])
        ledger.forget(late)
        #expect(ledger.turns == [early: 2] && !ledger.turns.keys.contains(empty))
    }

    @Test("nothing closes a batch whose claim is under way")
    func underWay() {
        var ledger = BatchLedger()
        let batch = ledger.makeBatch()
        let closes = ledger.ending(batch, [0])
        #expect(!closes)
    }
}

@Suite("What INFO says")
struct ServerInformationTests {
    @Test(
        "clusters and old servers are refused with the reason",
        arguments: [("redis_version:6.0.9", "6.2"), ("redis_version:7.0.0\r\ncluster_enabled:1", "cluster")])
    func refused(info: String, mention: String) {
        let error = #expect(throws: ApiumError.self) { try ServerInformation(info).check() }
        #expect(error?.message.contains(mention) == true)
    }

    @Test("servers that can do it are accepted", arguments: ["redis_version:6.2.0", "redis_version:7.0.15\r\ncluster_enabled:0", "", "redis_version:8.2"])
    func accepted(info: String) throws {
        try ServerInformation(info).check()
    }
}

@Suite("Parts of chords as they are kept")
struct ChordPartTests {
    @Test("what a Python worker wrote in another serialisation is read where that is accepted")
    func yaml() throws {
        let written = Array("- 1\n- part\n- SUCCESS\n- price: 7\n".utf8)
        let part = try ChordContent.Part(encoded: written, of: "g", accepting: AcceptedContent([.json, .yaml]))
        #expect(part.id == "part" && part.state == .success && part.result == ["price": 7])
        let error = #expect(throws: ApiumError.self) { try ChordContent.Part(encoded: written, of: "g", accepting: .json) }
        #expect(error?.message == "the stored part of the chord g is none of json: it may be YAML or text")
    }

    @Test("what only Python takes for JSON is no YAML either", arguments: ["NaN", "[Infinity]", "36893488147419103232"])
    func pythonJSON(value: String) {
        let content = AcceptedContent([.json, .yaml])
        let part = Array(#"[1,"part","SUCCESS",\#(value)]"#.utf8)
        let document = Array(#"{"status": "SUCCESS", "result": \#(value), "task_id": "x"}"#.utf8)
        let errors = [
            #expect(throws: ApiumError.self) { try ChordContent.Part(encoded: part, of: "g", accepting: content) },
            #expect(throws: ApiumError.self) { try ResultDocument(decoding: document, accepting: content) },
        ]
        #expect(errors.allSatisfy { $0?.code == .badResult })
    }

    @Test("what is written is read", arguments: [JobState.success, .failure])
    func roundTrip(state: JobState) throws {
        let part = ChordPart(group: "g", id: "part", index: 3, state: state, result: ["x": [1, nil, "é"]], token: "t")
        let read = try ChordContent.Part(encoded: part.encoded, of: "g", accepting: .json)
        #expect(read.id == part.id && read.state == state && read.result == part.result)
    }
}

@Suite("What may be tried again")
struct RedisFailureTests {
    @Test(
        "a server that will be able again says so, in a script's words too",
        arguments: [
            "OOM command not allowed when used memory > 'maxmemory'.", "READONLY You can't write against a read only replica.", "LOADING Redis is loading",
            "MISCONF Redis is configured to save RDB snapshots", "BUSY Redis is busy running a script.",
            "ERR Error running script (call to f_1): @user_script:1: @user_script: 1: -OOM command not allowed when used memory > 'maxmemory'.",
        ])
    func passing(line: String) {
        let error = RedisServerError(line: line)
        #expect(RedisFailure.isPassing(error as any Error))
        #expect((RedisFailure.apiumError(error) as? ApiumError)?.code == .unavailable)
    }

    @Test("a refusal stays one", arguments: ["WRONGTYPE Operation against a key", "ERR unknown command 'OOM'", "ERR syntax error"])
    func refused(line: String) {
        let error = RedisServerError(line: line)
        #expect(!RedisFailure.isPassing(error as any Error))
        #expect((RedisFailure.apiumError(error) as? ApiumError)?.code == .notAvailable)
    }

    @Test(
        "what the access list forbids is not permitted, also within a script",
        arguments: [
            "NOPERM User api has no permissions to access the 'secret' key",
            "ERR ACL failure in script: User api has no permissions to run the 'lpush' command script: f1, on @user_script:1.",
            "ERR The user executing the script can't run this command or subcommand script: f1, on @user_script:1.",
            "ERR Error running script (call to f_1): @user_script:1: -NOPERM this user has no permissions to access one of the keys",
        ])
    func forbidden(line: String) {
        let error = RedisServerError(line: line)
        #expect(!RedisFailure.isPassing(error as any Error))
        #expect((RedisFailure.apiumError(error) as? ApiumError)?.code == .notPermitted)
    }
}
