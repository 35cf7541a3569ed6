import ApiumCore
import ApiumInspect
import ApiumTesting
import DynamicJSON
import PriceWatchModel
import Testing

@testable import PriceWatchAPI

@Suite("Explain and doctor", .timeLimit(.minutes(1)))
struct InspectionOperationTests {
    @Test("a waiting job is explained, in both languages, as the command line does it")
    func explain() async throws {
        let bench = Bench()
        let handle = try await bench.client.enqueue(task: "shop.check", kwargs: ["id": 7], .on(queue: "checks"))
        let answer = try await bench.send(.get, "/api/v1/jobs/\(handle.id)/explain").json
        #expect(answer["standing"]?["kind"] == "ready" && answer["standing"]?["queue"] == "checks")
        #expect(answer["obstacles"]?[0]?["kind"] == "queue-not-served")
        #expect(answer["text"]?.stringValue?.contains("next in queue checks") == true)
        let russian = try await bench.send(.get, "/api/v1/jobs/\(handle.id)/explain?lang=ru").json
        #expect(russian["text"]?.stringValue?.contains("следующая в очереди checks") == true)
        #expect(try await bench.send(.get, "/api/v1/jobs/nobody/explain").json["standing"]?["kind"] == "unknown")
        #expect(try await bench.send(.get, "/api/v1/jobs/nobody/explain?lang=fr").code == "invalid_field")
    }

    @Test("a token needs the scope jobs, and one of a chat sees its own jobs alone")
    func scopes() async throws {
        let bench = Bench()
        #expect(try await bench.send(.get, "/api/v1/jobs/a/explain", token: bench.token([.read])).status == 403)
        #expect(try await bench.send(.get, "/api/v1/doctor", token: bench.token([.read, .write])).status == 403)
        #expect(try await bench.send(.get, "/api/v1/doctor", token: nil).status == 401)
        let chat = bench.token([.jobs], chat: 77)
        #expect(try await bench.send(.get, "/api/v1/jobs/a/explain", token: chat).code == "not_found")
        #expect(try await bench.send(.get, "/api/v1/doctor", token: chat).code == "forbidden")
        let own = JobOwnership(secret: Bench.serviceToken).makeID(for: Caller(APIToken(id: 1, name: "t", scopes: [.jobs], chatID: 77)))
        #expect(try await bench.send(.get, "/api/v1/jobs/\(try #require(own))/explain", token: chat).status == 200)
    }

    @Test("the doctor tells what there is to know of a healthy system")
    func doctor() async throws {
        let bench = Bench()
        let token = bench.token([.jobs])
        _ = try await bench.client.enqueue(task: "shop.check", .on(queue: "checks"))
        let answer = try await bench.send(.get, "/api/v1/doctor", token: token).json
        #expect(answer["healthy"] == true && answer["jobs"] == 1)
        #expect(answer["findings"]?[0]?["code"] == "queue-not-served" && answer["findings"]?[0]?["severity"] == "notice")
        let russian = try await bench.send(.get, "/api/v1/doctor?lang=ru", token: token).json
        #expect(russian["findings"]?[0]?["code"] == "queue-not-served" && russian["findings"]?[0]?["summary"] != answer["findings"]?[0]?["summary"])
    }

    @Test("those who ask the doctor at about the same time get one answer, others a new one", arguments: [(Duration.hours(1), 0), (.zero, 1)])
    func shared(_ life: Duration, _ jobs: Int) async throws {
        let bench = Bench()
        let desk = DiagnosisDesk(inspector: Bench.inspector(bench.broker), life: life)
        #expect(try await desk.diagnosis().jobs == 0)
        _ = try await bench.client.enqueue(task: "shop.check", .on(queue: "checks"))
        #expect(try await desk.diagnosis().jobs == jobs)
    }
}

extension Bench {
    /// What looks at the jobs.
    static func inspector(_ broker: InMemoryBroker) -> Inspector { Inspector(broker: broker, results: broker.results) }
}
