import ApiumCore
import DynamicJSON
import Randomness
import Testing

@Suite("Result documents")
struct ResultDocumentTests {
    private let ended = Timestamp(microseconds: 1_795_389_278_112_215)

    @Test("a ready document has every key Celery writes")
    func success() throws {
        let document = ResultDocument(
            id: "i", state: .success, result: 3, dateDone: ended, children: [], groupID: "g", parentID: "p", extra: ["name": "shop.add"])
        #expect(
            try JSONValue(parsing: document.encoded()) == [
                "status": "SUCCESS", "result": 3, "traceback": nil, "children": [], "date_done": "2026-11-22T23:14:38.112215+00:00", "group_id": "g",
                "parent_id": "p", "name": "shop.add", "task_id": "i",
            ])
    }

    @Test("date_done stands only in documents of ready states", arguments: [JobState.success, .failure, .revoked, .retry, .started, "PROGRESS"])
    func dateDone(state: JobState) throws {
        let written = try JSONValue(parsing: ResultDocument(id: "i", state: state, dateDone: ended).encoded())
        #expect((written["date_done"]?.stringValue != nil) == state.isReady)
        #expect(written["date_done"] != nil)
        #expect(written["group_id"] == nil)
    }

    @Test("a document as Celery stored it is read")
    func celery() throws {
        let text = #"""
            {"status": "FAILURE", "result": {"exc_type": "KeyError", "exc_message": ["nope", 3], "exc_module": "builtins"}, "traceback": "Traceback…",
            "children": [], "date_done": "2026-11-22T23:14:01.420989+00:00", "name": "wapp.add", "retries": 0, "task_id": "abc"}
            """#
        let document = try ResultDocument(decoding: Array(text.utf8))
        #expect(document.state == .failure)
        #expect(JobFailure(value: document.result) == JobFailure(type: "KeyError", arguments: ["nope", 3]))
        #expect(document.dateDone?.iso8601 == "2026-11-22T23:14:01.420989+00:00")
        #expect(document.extra == ["name": "wapp.add", "retries": 0])
        #expect(document.traceback == "Traceback…")
    }

    @Test(
        "what is no result document is refused",
        arguments: ["", "{", "[]", "{}", #"{"status":"SUCCESS"}"#, #"{"task_id":"i"}"#, #"{"task_id":1,"status":"SUCCESS"}"#])
    func bad(text: String) {
        #expect(code { try ResultDocument(decoding: Array(text.utf8)) } == .badResult)
    }

    @Test("random documents come back as they were")
    func roundTrip() throws {
        var random = SplitMix(seed: 4)
        for _ in 0..<2000 {
            let document = ResultDocument(
                id: random.text(), state: .failure, result: random.json(), traceback: random.maybe { $0.text() },
                dateDone: random.maybe { Timestamp(microseconds: Int64($0.below(1 << 50))) }, children: random.maybe { $0.array { $0.json() } },
                groupID: random.maybe { $0.text() }, parentID: random.maybe { $0.text() },
                extra: Dictionary(random.array { ("x-" + $0.key(), $0.json()) }, uniquingKeysWith: { $1 }))
            #expect(try ResultDocument(decoding: document.encoded()) == document)
        }
    }
}
