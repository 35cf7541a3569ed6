import ApiumCore
import DynamicJSON
import Testing

@Suite("Canvas: what Celery sends, so do we")
struct CanvasPlanTests {
    let capture: CanvasCapture
    let dispatcher: Dispatcher

    init() throws {
        capture = try CanvasCapture.load()
        // Only the tasks of Celery itself are known to the app that was captured.
        dispatcher = Dispatcher(now: capture.now, makeID: countedIDs()) { $0.hasPrefix("celery.") ? JobOptions() : nil }
    }

    @Test("a canvas becomes the messages, chords and results that Celery makes of it", arguments: CanvasCapture.cases("send"))
    func sending(_ example: CanvasCapture.Case) throws {
        try compare(try plan(example, sender: nil), with: example)
    }

    @Test("what follows a job is what Celery's worker sends", arguments: CanvasCapture.cases("inside"))
    func following(_ example: CanvasCapture.Case) throws {
        try compare(try plan(example, sender: Dispatcher.Sender(id: "own", rootID: "root")), with: example)
    }

    @Test("a job that replaces itself hands on its place", arguments: CanvasCapture.cases("replace"))
    func replacing(_ example: CanvasCapture.Case) throws {
        let (message, arguments) = try running(example)
        try compare(try dispatcher.replacement(of: message, arguments, with: example.signature), with: example)
    }

    @Test("a job adds parts to its chord", arguments: CanvasCapture.cases("add"))
    func adding(_ example: CanvasCapture.Case) throws {
        let (message, arguments) = try running(example)
        let addition = try dispatcher.addition(of: example.signature, toChordOf: message, arguments)
        var captured = try addition.plan.captured()
        let more: JSONValue = ["group": .string(addition.group), "more": .int(Int64(addition.parts))]
        captured["chords"] = .array([more] + (captured["chords"]?.arrayValue ?? []))
        try compare(captured, with: example)
    }

    @Test("signatures are joined as Celery joins them", arguments: CanvasCapture.cases("join"))
    func joining(_ example: CanvasCapture.Case) throws {
        let parts = try (example.json["parts"]?.arrayValue ?? []).map { try Signature(json: $0) }
        let first = try #require(parts.first)
        let joined = parts.dropFirst().reduce(first) { $0 | $1 }
        let differences = joined.json.differences(from: example.json["signature"] ?? .null)
        #expect(differences.isEmpty, "\(differences.joined(separator: "\n"))")
    }

    @Test("stamps come to the parts of a canvas as Celery's visitors bring them", arguments: CanvasCapture.cases("stamp"))
    func stamping(_ example: CanvasCapture.Case) throws {
        let before = try Signature(json: example.json["before"] ?? .null)
        let given = example.json["headers"]?.objectValue ?? [:]
        let appends = example.json["append"]?.boolValue ?? false
        let visitor = example.json["visitor"]?.boolValue ?? false
        let stamped = try visitor ? before.stamped(by: Everywhere(), given, appending: appends) : before.stamped(given, appending: appends)
        let differences = stamped.json.withoutNullOptions().differences(from: (example.json["after"] ?? .null).withoutNullOptions())
        #expect(differences.isEmpty, "\(differences.joined(separator: "\n"))")
    }

    /// The visitor of the capture.
    private struct Everywhere: StampVisitor {
        func task(_ signature: Signature) -> [String: JSONValue] { ["seen": .string(signature.task)] }
        func chain(_ signature: Signature) -> [String: JSONValue] { ["in_chain": true] }
        func group(_ signature: Signature) -> [String: JSONValue] { ["in_group": true] }
        func chordHeader(_ signature: Signature) -> [String: JSONValue] { ["in_header": 1] }
        func chordBody(_ signature: Signature) -> [String: JSONValue] { ["in_body": "yes"] }
        func callback(_ signature: Signature) -> [String: JSONValue] { ["callback": true] }
        func errback(_ signature: Signature) -> [String: JSONValue] { ["errback": true] }
    }

    /// Where Celery's client shows the header as the parent of a body's last step, or the id of a group that is never sent, we show the
    /// steps between.
    private static let parentsDiffer: Set = [
        "a chain of three groups", "a chord with a chain as its body", "a chord with a chord as its body", "a chord in a chord in a chord",
        "a chord with a body that is a chain ending in a group", "a chord with a body that is a chain with a chord",
        "a chord with a chain with a chord in its header", "group or group or task", "chord or chord", "a chain with two groups, step 2",
        "a chord with chords that have groups as bodies",
    ]

    private func plan(_ example: CanvasCapture.Case, sender: Dispatcher.Sender?) throws -> DispatchPlan {
        try dispatcher.plan(
            example.signature, with: example.json["args"]?.arrayValue ?? [], kwargs: example.json["kwargs"]?.objectValue ?? [:],
            options: SignatureOptions(example.json["options"]?.objectValue ?? [:]), sender: sender)
    }

    private func running(_ example: CanvasCapture.Case) throws -> (Message, TaskArguments) {
        let request = example.json["request"] ?? [:]
        var headers = Message.Headers(task: "t.parent", id: "own")
        headers.rootID = "root"
        headers.parentID = "above"
        headers.group = request["group"]?.stringValue
        headers.groupIndex = request["group_index"]?.intValue.map(Int.init)
        headers.replacedTaskNesting = Int(request["replaced_task_nesting"]?.intValue ?? 0)
        var arguments = TaskArguments()
        arguments.embed.callbacks = request["callbacks"]?.arrayValue
        arguments.embed.errbacks = request["errbacks"]?.arrayValue
        arguments.embed.chain = request["chain"]?.arrayValue
        arguments.embed.chord = request["chord"]
        return (Message(headers: headers, body: arguments.encodedBody()), arguments)
    }

    private func compare(_ plan: DispatchPlan, with example: CanvasCapture.Case) throws { try compare(try plan.captured(), with: example) }

    /// Compares what the capture has: a client's children, and the result of a replacement, are nobody's.
    private func compare(_ captured: [String: JSONValue], with example: CanvasCapture.Case) throws {
        var expected = (example.json.objectValue ?? [:]).filter { ["messages", "chords", "children", "result"].contains($0.key) }
        var captured = captured
        if Self.parentsDiffer.contains(example.name) {
            expected["result"] = expected["result"]?.withoutParents()
            captured["result"] = captured["result"]?.withoutParents()
            expected["chords"] = expected["chords"]?.withoutParentsOfSaved()
            captured["chords"] = captured["chords"]?.withoutParentsOfSaved()
        }
        let mine = JSONValue.object(captured.filter { expected[$0.key] != nil }).withoutNullOptions().renamed()
        let differences = mine.differences(from: JSONValue.object(expected).withoutNullOptions().renamed())
        #expect(differences.isEmpty, "\(differences.joined(separator: "\n"))")
    }
}
