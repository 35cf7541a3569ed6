import DynamicJSON
import Testing

@testable import ApiumCore

@Suite("Messages that come back for a join, and jobs that do not come back")
struct JobLossTests {
    private func message(_ arguments: TaskArguments = TaskArguments(), _ change: (inout Message.Headers) -> Void = { _ in }) -> Message {
        var headers = Message.Headers(task: "t", id: "lost")
        headers.group = "g"
        headers.groupIndex = 3
        headers.parentID = "parent"
        change(&headers)
        return Message(headers: headers, body: arguments.encodedBody())
    }

    @Test("joins are kept in the message, and taken out of it again")
    func joining() throws {
        var message = message()
        #expect(message.joining == [])
        let claims = [ChordClaim(group: "g", token: "t"), ChordClaim(group: "день", token: "\"")]
        message.joining = claims
        #expect(try Message(decoding: message.encoded()).joining == claims)
        #expect(message.headers.custom == ["apium_joining": [["g", "t"], ["день", "\""]]])
        message.joining = []
        #expect(message.headers.custom.isEmpty)
    }

    @Test(
        "whatever stands in the header of joins, it is read as far as it is one",
        arguments: ["text", 7, [7], [["g"]], [["g", 7]], [["g", "t", "x"]], [:]] as [JSONValue])
    func hostileJoins(_ value: JSONValue) {
        #expect(message { $0.custom["apium_joining"] = value }.joining == [])
        #expect(message { $0.custom["apium_joining"] = [value, ["g", "t"]] }.joining == [ChordClaim(group: "g", token: "t")])
    }

    @Test("a lost job ends as WorkerLostError, with its chain and its chord")
    func loss() throws {
        let body: JSONValue = ["task": "b", "options": ["task_id": "body"]]
        var embed = TaskArguments.Embed()
        embed.chord = body
        embed.chain = [["task": "s", "options": ["task_id": "step", "group_id": "outer", "group_index": 1, "chord": body]]]
        let now = Timestamp(microseconds: 1)
        let loss = message(TaskArguments(embed: embed)).loss("gone", at: now)
        #expect(loss.results.map(\.id) == ["lost", "step"])
        #expect(loss.results.allSatisfy { $0.state == .failure && $0.dateDone == now })
        let failure = try #require(JobFailure(value: loss.results[0].result))
        #expect(failure.type == "WorkerLostError" && failure.module == "billiard.exceptions" && failure.arguments == ["gone"])
        #expect(loss.results[0].groupID == "g" && loss.results[0].parentID == "parent")
        #expect(loss.parts.map(\.group) == ["g", "outer"])
        #expect(loss.parts.map(\.index) == [3, 1])
        #expect(loss.parts.map(\.token) == ["lost:lost", "lost:step"])
        #expect(message(TaskArguments(embed: embed)).loss("gone", at: now) == loss)
    }

    @Test("a lost job's errbacks go into a message of another name, which has nothing to lose itself")
    func errbacks() throws {
        var arguments = TaskArguments(args: [7])
        arguments.embed.errbacks = [["task": "told", "args": [], "kwargs": [:]]]
        let now = Timestamp(microseconds: 1)
        for ignored in [nil, true] {
            let told = try #require(message(arguments) { $0.ignoreResult = ignored }.loss("gone", at: now).errbacks)
            #expect(told.task == "apium.errbacks" && told.id == "lost:lost" && told.headers.rootID == "lost" && told.headers.group == nil)
            #expect(told.lostJob == LostJob(id: "lost", name: "t", parentID: "parent", reason: "gone"))
            #expect(try told.arguments() == arguments)
            #expect(try Message(decoding: told.encoded()).lostJob == told.lostJob)
            #expect(told.loss("again", at: now) == JobLoss(results: [], parts: []))
        }
        #expect(message().loss("gone", at: now).errbacks == nil)
    }

    @Test("a message is about a lost job only by name and header", arguments: ["text", 7, [:], ["id": 7]] as [JSONValue])
    func hostileLosses(_ value: JSONValue) {
        #expect(message { ($0.task, $0.custom["apium_lost"]) = ("apium.errbacks", value) }.lostJob == nil)
        #expect(message { $0.custom["apium_lost"] = ["id": "x"] }.lostJob == nil)
    }

    @Test("what depends on a lost job is told in whatever serialisation its body is that workers read")
    func otherContent() throws {
        let turned = Serializer(
            name: "turned", contentType: "application/x-turned", encode: { $0.encoded().reversed() }, decode: { try JSONValue(parsing: $0.reversed()) })
        var embed = TaskArguments.Embed()
        embed.chord = ["task": "b"]
        embed.errbacks = [["task": "told", "args": [], "kwargs": [:]]]
        var message = message(TaskArguments(embed: embed))
        (message.body.bytes, message.body.contentType) = (message.body.bytes.reversed(), turned.contentType)
        let now = Timestamp(microseconds: 1)
        let loss = message.loss("gone", at: now, accepting: AcceptedContent([turned]))
        #expect(loss.parts.map(\.group) == ["g"] && loss.errbacks?.body == message.body)
        #expect(message.loss("gone", at: now).parts.isEmpty, "who does not accept it knows nothing of it")
    }

    @Test("a job whose result is ignored is still a part of its chord, and one in no chord is none")
    func partial() {
        var embed = TaskArguments.Embed()
        embed.chord = ["task": "b"]
        let ignored = message(TaskArguments(embed: embed)) { $0.ignoreResult = true }.loss("gone", at: Timestamp(microseconds: 1))
        #expect(ignored.results.isEmpty && ignored.parts.map(\.id) == ["lost"])
        let alone = message(TaskArguments(embed: embed)) { $0.group = nil }.loss("gone", at: Timestamp(microseconds: 1))
        #expect(alone.results.map(\.id) == ["lost"] && alone.parts.isEmpty)
        var unreadable = message()
        unreadable.body.bytes = [0xFF]
        #expect(unreadable.loss("gone", at: Timestamp(microseconds: 1)).results.map(\.id) == ["lost"])
    }
}
