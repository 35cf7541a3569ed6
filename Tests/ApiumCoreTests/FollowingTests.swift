import ApiumCore
import DynamicJSON
import Testing

@Suite("After a job")
struct FollowingTests {
    private let dispatcher = Dispatcher(now: Timestamp(microseconds: 0), makeID: countedIDs())
    private let sender = Dispatcher.Sender(id: "own", rootID: "root")

    @Test("one callback goes out alone, several as a group of their own, groups among them by themselves")
    func callbacks() throws {
        let one = try dispatcher.plan(callbacks: [Signature("a", 2).json], result: 1, sender: sender)
        #expect(one.messages.map(\.message.headers.group) == [nil])
        #expect(try one.messages.first?.message.arguments().args == [1, 2])
        #expect(one.messages.first?.message.headers.parentID == "own")
        #expect(one.messages.first?.message.headers.rootID == "root")

        let group = Signature.group([Signature("g1"), Signature("g2")])
        let many = try dispatcher.plan(callbacks: [Signature("a").json, group.json, Signature("b").immutable().json], result: 1, sender: sender)
        #expect(many.messages.map(\.message.task) == ["g1", "g2", "a", "b"])
        let groups = many.messages.map(\.message.headers.group)
        #expect(groups[0] == groups[1] && groups[2] == groups[3] && groups[0] != groups[2])
        #expect(many.messages.map(\.message.headers.groupIndex) == [0, 1, 0, 1])
        #expect(try many.messages.last?.message.arguments().args == [])
        #expect(many.children.count == 2)
        #expect(try dispatcher.plan(callbacks: [], result: 1, sender: sender).isEmpty)
    }

    @Test("the next step of a chain gets the result and the rest")
    func chain() throws {
        let rest = [Signature("last").id("l").json, Signature("next").id("n").json]
        let plan = try dispatcher.plan(nextOf: rest, result: "value", sender: sender, priority: 3)
        let message = try #require(plan.messages.first?.message)
        #expect(message.id == "n")
        #expect(message.properties.priority == 3)
        let arguments = try message.arguments()
        #expect(arguments.args == ["value"])
        #expect(arguments.embed.chain?.compactMap { $0["task"]?.stringValue } == ["last"])
        #expect(try dispatcher.plan(nextOf: [], result: 1, sender: sender).isEmpty)
    }

    @Test("errbacks of the old style are one group that is called with the failed id")
    func errbacks() throws {
        let plan = try dispatcher.plan(errbacks: [Signature("e", 1).json, Signature("f", 2).immutable().json], failed: "failed", rootID: nil)
        #expect(try plan.messages.map { try $0.message.arguments().args } == [["failed", 1], [2]])
        #expect(plan.messages.allSatisfy { $0.message.headers.parentID == "failed" && $0.message.headers.rootID == "failed" })
        #expect(plan.children.count == 1)
    }

    @Test("a job is replaced neither by an empty chain nor by a part of a chord")
    func improper() throws {
        let message = Message(headers: Message.Headers(task: "t", id: "own"), body: TaskArguments().encodedBody())
        for (signature, text) in [
            (Signature.chain([]), "Cannot replace with an empty chain"),
            (Signature("a").option("chord", Signature("b").json), "A signature replacing a task must not be part of a chord"),
        ] {
            let failure = #expect(throws: JobFailure.self) { try dispatcher.replacement(of: message, TaskArguments(), with: signature) }
            #expect(failure == JobFailure(type: "ImproperlyConfigured", arguments: [.string(text)], module: "celery.exceptions"))
        }
    }

    @Test("a replacement keeps the stamps of the job, and its own")
    func replacedStamps() throws {
        var headers = Message.Headers(task: "t", id: "own")
        headers.stampedHeaders = ["tenant", "kind"]
        headers.stamps = ["tenant": "acme", "kind": "old"]
        let message = Message(headers: headers, body: TaskArguments().encodedBody())
        let own = try Signature("a").stamped(["kind": "new"])
        let sent = try #require(try dispatcher.replacement(of: message, TaskArguments(), with: own).messages.first?.message.headers)
        #expect(sent.stamps == ["tenant": "acme", "kind": "new"])
        #expect(Set(sent.stampedHeaders ?? []) == ["tenant", "kind"])
    }

    @Test("a job that is in no chord cannot add to one; a group adds as many parts as it has members")
    func adding() throws {
        var headers = Message.Headers(task: "t", id: "own")
        headers.group = "g"
        let message = Message(headers: headers, body: TaskArguments().encodedBody())
        let failure = #expect(throws: JobFailure.self) { try dispatcher.addition(of: Signature("a"), toChordOf: message, TaskArguments()) }
        #expect(failure?.type == "ValueError")
        var arguments = TaskArguments()
        arguments.embed.chord = Signature("body").id("b").json
        let addition = try dispatcher.addition(of: .group([Signature("a"), Signature("b")]), toChordOf: message, arguments)
        #expect(addition.parts == 2 && addition.group == "g")
        #expect(addition.plan.chords.isEmpty)
        for outgoing in addition.plan.messages {
            #expect(outgoing.message.headers.group == "g")
            #expect(try outgoing.message.arguments().embed.chord?["options"]?["task_id"] == "b")
        }
    }

    @Test("what would have followed a failed job fails with it: steps, bodies of chords, and their parts in outer chords")
    func unreached() throws {
        let outer = Signature("outer").id("outer-body").json
        let inner = Signature("inner").id("inner-body").option("chord", outer).option("group_id", "outer-group").option("group_index", 4)
        let chord = Signature.chord(header: [Signature("h").id("h")], body: inner).id("header")
        let found = UnreachedJob.after(chain: [chord.json, Signature("step").id("s").json, Signature("without id").json, 5])
        #expect(found.map(\.id) == ["header", "inner-body", "s"])
        #expect(found.map { $0.membership?.group } == [nil, "outer-group", nil])
        let part = try #require(found[1].part(.failure, "why"))
        #expect(part.group == "outer-group" && part.index == 4 && part.id == "inner-body")
        #expect(found[1].membership?.body == outer)
        let document = found[2].document(.failure, "why", traceback: "where", at: Timestamp(microseconds: 5))
        #expect(document.id == "s" && document.state == .failure && document.result == "why" && document.traceback == "where")
    }

    @Test("a group at the end of a chain in a header fails member by member, because its members are what the chord counts")
    func unreachedGroup() throws {
        let canvas = Signature.chord(header: [.chain([Signature("a"), .group([Signature("b"), Signature("c")])])], body: Signature("body"))
        let plan = try dispatcher.plan(canvas)
        #expect(plan.chords.map(\.size) == [2])
        let embed = try #require(try plan.messages.first?.message.arguments().embed)
        let parts = UnreachedJob.after(chain: embed.chain ?? []).compactMap { $0.part(.failure, .null) }
        #expect(parts.count == 2)
        #expect(parts.allSatisfy { $0.group == plan.chords.first?.group })
    }

    @Test("a chord whose header failed ends its body, and tells its errbacks once")
    func chordFailure() throws {
        let oops = Signature("oops").json
        let next = Signature("next").id("n").json
        let body = Signature("body").id("b").option("link_error", [oops, oops]).option("chain", [next])
        let failure = try ChordFailure(body: body.json)
        #expect(failure.failed.map(\.job.id) == ["b"])
        #expect(failure.failed.first?.errbacks == [oops])
        #expect(failure.failed.first?.getsOriginal == false)
        #expect(failure.rest.map(\.id) == ["n"])
        #expect(failure.revoked.isEmpty)
    }

    @Test("a body that is a group fails member by member with the failure itself, and the members are revoked")
    func groupFailure() throws {
        let own = Signature("own").json
        let shared = Signature("shared").json
        let chain = Signature.chain([Signature("c").id("c"), Signature("d").id("d")]).id("d")
        let group = Signature.group([Signature("a").id("a").option("link_error", [own, shared]), chain]).id("g").option("link_error", [shared])
        let failure = try ChordFailure(body: group.json)
        #expect(failure.failed.map(\.job.id) == ["a", "d"])
        #expect(failure.failed.map(\.errbacks) == [[own, shared], [shared]])
        #expect(failure.failed.map(\.getsOriginal) == [true, true])
        #expect(failure.rest.map(\.id) == ["g", "c"])
        #expect(failure.revoked == ["a", "d"])
    }

    @Test("the errbacks of a body that is a chord are those of its own body, too")
    func nestedFailure() throws {
        let oops = Signature("oops").json
        let inner = Signature("inner").id("i").option("link_error", [oops])
        let failure = try ChordFailure(body: Signature.chord(header: [Signature("h").id("h")], body: inner).id("header").json)
        #expect(failure.failed.map(\.job.id) == ["i"])
        #expect(failure.failed.first?.errbacks == [oops])
        #expect(failure.rest.map(\.id) == ["header"])
    }
}
