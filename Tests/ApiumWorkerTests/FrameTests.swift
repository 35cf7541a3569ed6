import ApiumCore
import DynamicJSON
import Testing

@testable import ApiumWorker

@Suite("Frames")
struct FrameTests {
    @Test("frames come out as they went in, however the stream is cut", arguments: [1, 2, 3, 5, 1000])
    func chunks(size: Int) throws {
        let payloads: [[UInt8]] = [[], [1], Array(repeating: 7, count: 70_000), Array(0...255)]
        let stream = try payloads.flatMap { try FrameReader.frame($0) }
        var reader = FrameReader()
        var seen: [[UInt8]] = []
        for start in stride(from: 0, to: stream.count, by: size) {
            reader.append(stream[start..<min(start + size, stream.count)])
            while let payload = try reader.next() { seen.append(payload) }
        }
        #expect(seen == payloads)
        #expect(!reader.isInside)
    }

    @Test("a length beyond the limit is refused before anything of that length is kept")
    func tooLong() throws {
        var reader = FrameReader(limit: 10)
        reader.append([0, 0, 0, 11])
        #expect(throws: FrameReader.Fault.tooLong(11)) { try reader.next() }
        // Text that a job wrote where frames belong begins with a length of a gigabyte.
        var text = FrameReader()
        text.append(Array("Hello, world\n".utf8))
        #expect(throws: FrameReader.Fault.self) { try text.next() }
    }

    @Test("half a frame is no frame yet")
    func partial() throws {
        var reader = FrameReader()
        reader.append([0, 0])
        #expect(try reader.next() == nil)
        reader.append([0, 2, 9])
        #expect(try reader.next() == nil)
        #expect(reader.isInside)
        reader.append([8])
        #expect(try reader.next() == [9, 8])
    }

    static let signature = Signature("a.b", args: [1, "x"], kwargs: ["k": nil], options: ["queue": "q"], immutable: true)

    static let fromParent: [ParentFrame] = [
        .run(ChildRun(number: 1, queue: "q", fence: .max, payload: Array("{\"ключ\": 1}".utf8))),
        .run(ChildRun(number: 2, queue: "", fence: -1, payload: [0, 255])),
        .cancel(3, .softLimit), .cancel(4, .abandoned), .answer(5, question: 6, .value(["a": nil])), .answer(5, question: 7, .thrown(["kind": "ignore"])),
        .stop,
    ]

    @Test("what a worker says is read as it was said", arguments: fromParent)
    func parentFrames(frame: ParentFrame) throws {
        #expect(try ParentFrame(payload: frame.encoded) == frame)
        #expect(throws: (any Error).self) { try ChildFrame(payload: frame.encoded) }
    }

    static let fromChild: [ChildFrame] = [
        .ready(pid: 17), .begun(1), .done(2, outcome: ["value": nil], residentKiB: 12_345), .ask(3, question: 1, .report("PROGRESS", ["done": 0.5])),
        .ask(3, question: 2, .adopt(ResultTuple(id: "c").json)), .ask(3, question: 3, .send(signature, args: [2], kwargs: ["z": true], asChild: false)),
        .ask(3, question: 4, .replace(signature)), .ask(3, question: 5, .addToChord(signature)),
    ]

    @Test("what a child says is read as it was said", arguments: fromChild)
    func childFrames(frame: ChildFrame) throws {
        #expect(try ChildFrame(payload: frame.encoded) == frame)
        #expect(throws: (any Error).self) { try ParentFrame(payload: frame.encoded) }
    }

    @Test(
        "what no child says is garbage",
        arguments: [
            "", "null", "[]", "{}", "Hello", #"{"frame": "ready"}"#, #"{"frame": "ready", "pid": 99999999999}"#, #"{"frame": "begun", "number": -1}"#,
            #"{"frame": "done", "number": 1}"#, #"{"frame": "done", "number": 1, "outcome": null, "resident": -1}"#, #"{"frame": "nothing"}"#,
            #"{"frame": "ask", "number": 1, "question": 1, "content": {"what": "format"}}"#,
            #"{"frame": "ask", "number": 1, "question": 1, "content": {"what": "replace", "signature": 1}}"#,
        ])
    func garbage(text: String) {
        #expect(throws: (any Error).self) { try ChildFrame(payload: Array(text.utf8)) }
    }
}

@Suite("What crosses from a child to its worker")
struct CrossingTests {
    private func crossed(_ error: any Error, policy: RetryPolicy = .never, retries: Int = 0) throws -> any Error {
        let json = ThrownError(error, policy: policy, retries: retries).json
        return try ThrownError(json: JSONValue(parsing: json.encoded())).error
    }

    @Test("a retry keeps all that it changes")
    func retry() throws {
        let options = EnqueueOptions.with {
            $0.queue = "other"
            $0.priority = 3
            $0.expires = .seconds(9)
            $0.ignoreResult = true
            $0.headers = ["h": [1]]
        }
        let sent = Retry(
            after: .milliseconds(1500), maxRetries: 7, reason: JobFailure(type: "OSError", arguments: ["gone"]), args: [1], kwargs: ["k": 2], options: options)
        let retry = try #require(try crossed(sent) as? Retry)
        #expect(retry.delay == .milliseconds(1500) && retry.maxRetries == 7 && !retry.usesLimitOfJob)
        #expect(retry.reason as? JobFailure == JobFailure(type: "OSError", arguments: ["gone"]))
        #expect(retry.args == [1] && retry.kwargs == ["k": 2])
        #expect(retry.options.queue == "other" && retry.options.priority == 3 && retry.options.expires == .seconds(9))
        #expect(retry.options.ignoreResult == true && retry.options.headers == ["h": [1]])
    }

    @Test("a retry that says nothing leaves everything to the job")
    func plainRetry() throws {
        let retry = try #require(try crossed(Retry()) as? Retry)
        #expect(retry.delay == nil && retry.usesLimitOfJob && retry.reason == nil && retry.args == nil && retry.kwargs == nil)
        let endless = try #require(try crossed(Retry(maxRetries: nil)) as? Retry)
        #expect(endless.maxRetries == nil && !endless.usesLimitOfJob)
    }

    @Test("the other instructions stay what they are")
    func instructions() throws {
        #expect((try crossed(Snooze(for: .seconds(3))) as? Snooze)?.delay == .seconds(3))
        #expect(try crossed(Ignore()) is Ignore)
        #expect(try crossed(Replaced()) is Replaced)
        #expect(try crossed(CancellationError()) is CancellationError)
        #expect(try crossed(SoftTimeLimitExceeded()) is SoftTimeLimitExceeded)
        let reject = try #require(try crossed(Reject("no", requeue: true)) as? Reject)
        #expect(reject.reason == "no" && reject.requeue)
        #expect((try crossed(ApiumError(.badArguments, "wrong")) as? ApiumError)?.code == .badArguments)
    }

    private struct Broken: Error {}

    @Test("the policy decides where the error still is what it was")
    func policy() throws {
        let policy = RetryPolicy { $0.error is Broken && $0.retries == 2 ? .after(.seconds(5)) : .giveUp }
        let again = try crossed(Broken(), policy: policy, retries: 2)
        #expect(JobFailure(again) == JobFailure(Broken()))
        // Whatever the worker's policy would say of a stored form.
        #expect(RetryPolicy.never.decision(after: .init(retries: 2, error: again)) == .after(.seconds(5)))
        let final = try crossed(Broken(), policy: policy, retries: 3)
        #expect(RetryPolicy.fixed(attempts: 99, delay: .zero).decision(after: .init(retries: 3, error: final)) == .giveUp)
    }

    @Test("a lost child is worded as Celery's pool words it")
    func lost() {
        #expect(ChildLost(end: .signalled(9), run: 4).jobFailure.arguments == ["Worker exited prematurely: signal 9 (SIGKILL) Job: 4."])
        #expect(ChildLost(end: .exited(1), run: 0).jobFailure.arguments == ["Worker exited prematurely: exitcode 1 Job: 0."])
        #expect(ChildEnd.signalled(11).description == "signal 11 (SIGSEGV)")
        #expect(ChildEnd.signalled(34).description == "signal 34 (SIG34)")
        #expect(ChildLost(end: .unknown, run: 0).jobFailure.module == "billiard.exceptions")
    }
}
