import DynamicJSON
import PriceWatchModel
import Testing

@testable import PriceWatchAPI

@Suite("Settings over HTTP", .timeLimit(.minutes(1)))
struct SettingsOperationTests {
    private let bench = Bench()

    private func change(_ body: JSONValue, token: String = Bench.serviceToken, chat: Int64 = 77) async throws -> Reply {
        try await bench.send(.patch, "/api/v1/settings?chat_id=\(chat)", token: token, json: body, headers: ["Prefer": "wait=20"])
    }

    @Test("they are read with their defaults and bounds, and changed by a job")
    func settings() async throws {
        let first = try await bench.send(.get, "/api/v1/settings?chat_id=77").json
        #expect(first["preferences"]?["digest"] == "off" && first["intervals"]?["minimum"] == 300)
        #expect(try await bench.send(.patch, "/api/v1/settings?chat_id=77", json: ["digest": "daily"]).status == 202)
        try await bench.withWorker { () async throws in
            let changed = try await change(["check_interval": 900, "time_zone": "+3", "digest_hour": 7, "quiet_hours": ["from": 23, "until": 8]])
            #expect(changed.status == 200)
            #expect(changed.json["preferences"]?["check_interval"] == 900 && changed.json["preferences"]?["time_zone"] == "+03:00")
            let cleared = try await change(["check_interval": nil, "quiet_hours": nil]).json["preferences"]
            #expect(cleared?["check_interval"] == nil && cleared?["quiet_hours"] == nil && cleared?["digest_hour"] == 7)
            let read = try await bench.send(.get, "/api/v1/settings?chat_id=77").json["preferences"]
            #expect(read == cleared)
        }
    }

    @Test("what is out of bounds is 422 and says which field")
    func refused() async throws {
        for (body, field): (JSONValue, String) in [
            (["check_interval": 299], "check_interval"), (["check_interval": 604_801], "check_interval"), (["check_interval": "1h"], "check_interval"),
            (["digest": "hourly"], "digest"), (["digest_hour": 24], "digest_hour"), (["quiet_hours": ["from": 5]], "quiet_hours.until"),
            (["quiet_hours": ["from": 5, "until": 5]], "quiet_hours"), (["is_admin": true], "is_admin"),
        ] {
            let reply = try await change(body)
            #expect(reply.status == 422 && reply.field == field, "\(body): \(reply.text)")
        }
        #expect(try await bench.broker.queueLength("interactive") == 0)
        try await bench.withWorker { () async throws in
            #expect(try await change(["time_zone": "Moon/Crater"]).field == "time_zone")
            #expect(try await change(["time_zone": "?"]).field == "time_zone")
        }
    }

    @Test("one product's interval is set, and a check is asked for, for one's own watches only")
    func watches() async throws {
        let mine = bench.world.addProduct(1, name: "mine", followedBy: [77])[0]
        let theirs = bench.world.addProduct(2, name: "theirs", followedBy: [78])[0]
        bench.world.change { $0.pages = ["https://shop.example/1": .success(.sample("1"))] }
        let token = bench.token([.read, .write], chat: 77)
        func send(_ method: String, _ target: String, _ body: JSONValue? = nil) async throws -> Reply {
            try await bench.send(method == "patch" ? .patch : .post, target, token: token, json: body, headers: ["Prefer": "wait=20"])
        }
        for path in ["/api/v1/watches/\(theirs)?chat_id=77", "/api/v1/watches/\(theirs)?chat_id=78", "/api/v1/watches/999?chat_id=77"] {
            #expect(try await send("patch", path, ["check_interval": 900]).code == "not_found")
            let (watch, query) = (path.split(separator: "?")[0], path.split(separator: "?")[1])
            #expect(try await send("post", "\(watch)/check?\(query)").code == "not_found")
        }
        #expect(try await send("patch", "/api/v1/settings?chat_id=78", ["digest": "daily"]).code == "not_found")
        #expect(try await bench.send(.get, "/api/v1/settings?chat_id=78", token: token).code == "not_found")
        #expect(try await bench.broker.queueLength("interactive") == 0)
        try await bench.withWorker { () async throws in
            #expect(try await send("patch", "/api/v1/watches/\(mine)?chat_id=77", ["check_interval": 900]).json["check_interval"] == 900)
            #expect(try await send("patch", "/api/v1/watches/\(mine)?chat_id=77", ["check_interval": 1]).field == "check_interval")
            #expect(try await send("patch", "/api/v1/watches/\(mine)?chat_id=77", ["check_interval": nil]).json["check_interval"] == nil)
            #expect(try await send("post", "/api/v1/watches/\(mine)/check?chat_id=77").json["id"] == .int(mine))
            bench.world.change { $0.pages = ["https://shop.example/1": .failure(.notFound)] }
            #expect(try await send("post", "/api/v1/watches/\(mine)/check?chat_id=77").code == "unreadable_page")
        }
    }

    @Test("the bot's questions about settings are read strictly")
    func frames() {
        func read(_ more: String) -> ChatAction? {
            try? ChatFrame.read(#"{"id":"r","chat_id":77,"# + more + "}").action
        }
        #expect(read(#""action":"get_settings""#) == .getSettings)
        #expect(
            read(#""action":"change_settings","change":{"digest":"daily","check_interval":null}"#)
                == .changeSettings(PreferencesChange(checkInterval: .clear, digest: .set(.daily))))
        #expect(read(#""action":"set_interval","watch_id":4,"seconds":900"#) == .setInterval(watchID: 4, seconds: 900))
        #expect(read(#""action":"set_interval","watch_id":4"#) == .setInterval(watchID: 4, seconds: nil))
        #expect(read(#""action":"retry_watch","watch_id":4"#) == .retryWatch(watchID: 4))
        for wrong in [
            #""action":"set_interval","watch_id":0"#, #""action":"set_interval","watch_id":4,"seconds":0"#, #""action":"change_settings""#,
            #""action":"change_settings","change":{"quiet_hours":{"from":5,"until":5}}"#, #""action":"change_settings","change":{"language":"ru"}"#,
        ] { #expect(read(wrong) == nil, "\(wrong)") }
    }
}
