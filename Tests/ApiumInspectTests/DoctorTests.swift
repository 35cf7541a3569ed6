import ApiumCore
import ApiumRedis
import ApiumTesting
import DynamicJSON
import Foundation
import RedisClient
import Testing

@testable import ApiumInspect

@Suite("The doctor", .serialized)
struct DoctorTests {
    /// The codes of what was found, without what is only to be known, and without what the tests' server is like.
    private static func codes(_ diagnosis: Diagnosis) -> [String] {
        let ofServer: Set<String> = ["no-persistence", "snapshots-only", "eviction-policy", "clock-skew"]
        return diagnosis.findings.filter { $0.severity != .notice }.map(\.code).filter { !ofServer.contains($0) }
    }

    @Test("finds a system in order while jobs wait, run, have failed and are part of chords", arguments: Kind.available)
    func healthy(_ kind: Kind) async throws {
        try await Ground.with(kind) { ground in
            try await ground.working {
                let parts = [Signature("shop.add", 1, 2).id("part-quick"), Signature("shop.hold").id("part-held")]
                try await ground.client.send(.chord(header: parts, body: Signature("shop.total").id("job-body")))
                try await ground.gate.reached("part-held")
                try await ground.client.enqueue(task: "shop.add", .after(.hours(2)).id("job-later"))
                try await ground.client.enqueue(task: "shop.fail", .id("job-bad"))
                _ = try await ground.standing("job-bad", "dead")
                let diagnosis = try await ground.inspector.diagnose()
                #expect(Self.codes(diagnosis).isEmpty, "\(diagnosis.findings)")
                #expect(diagnosis.isComplete && diagnosis.jobs == 3, "one runs, one waits, one is dead: \(diagnosis.jobs)")
                #expect(diagnosis.findings.contains { $0.code == "dead" && $0.severity == .notice })
            }
        }
    }

    @Test("finds an id that is in two places, and no id that moves", arguments: Kind.available)
    func twice(_ kind: Kind) async throws {
        try await Ground.with(kind) { ground in
            for queue in ["celery", "second"] { try await ground.client.enqueue(task: "shop.add", .on(queue: queue).id("job-twice")) }
            let diagnosis = try await ground.inspector.diagnose()
            #expect(Self.codes(diagnosis) == ["job-twice"], "\(diagnosis.findings)")
            #expect(diagnosis.findings.contains { $0.summary.contains("job-twice (ready, ready)") }, "\(diagnosis.findings)")
        }
    }

    @Test("says when there is more than it looks at", arguments: Kind.available)
    func bounds(_ kind: Kind) async throws {
        try await Ground.with(kind) { ground in
            for number in 1...4 { try await ground.client.enqueue(task: "shop.add", .id("job-number-\(number)")) }
            var near = ground.inspector
            near.depth = 2
            #expect(try await near.diagnose().isComplete == false)
        }
    }

    @Test("says when workers hold more than it looks at", arguments: Kind.available)
    func flights(_ kind: Kind) async throws {
        try await Ground.with(kind) { ground in
            try await ground.working {
                for id in ["job-one", "job-two"] {
                    try await ground.client.enqueue(task: "shop.hold", .id(id))
                    try await ground.gate.reached(id)
                }
                var near = ground.inspector
                near.flightLimit = 1
                #expect(try await near.census().isComplete == false)
                #expect(try await ground.inspector.census().isComplete)
            }
        }
    }

    @Test("finds a clock that differs from the server's, and says by how much", arguments: [(3, Finding.Severity.warning), (600, .error)])
    func skew(_ seconds: Int, _ severity: Finding.Severity) async throws {
        let broker = InMemoryBroker(clock: ManualClock(start: .now() + .seconds(seconds)))
        let diagnosis = try await Inspector(broker: broker, results: broker.results).diagnose()
        let finding = try #require(diagnosis.findings.first { $0.code == "clock-skew" }, "\(diagnosis.findings)")
        #expect(finding.severity == severity && finding.repair == nil)
        #expect(finding.seen.russian.contains("расходятся") && finding.summary.contains("differ by"))
    }

    @Test("names a worker that does not renew its lease, and returns its jobs")
    func lost() async throws {
        try await Ground.with(.memory) { ground in
            try await ground.client.enqueue(task: "shop.add", .id("job-held"))
            let session = try await ground.client.broker.openSession(WorkerIdentity(name: "gone@test", pid: 1, queues: ["celery"], lease: .milliseconds(100)))
            _ = try await session.claim(limit: 1)
            (session as? InMemorySession)?.silence()
            let diagnosis = try await ground.inspector.diagnose()
            #expect(diagnosis.findings.contains { $0.code == "worker-silent" && $0.repair == .duties }, "\(diagnosis.findings)")
            let treatments = try await ground.inspector.repair(diagnosis)
            #expect(treatments.contains { $0.finding.code == "worker-silent" && $0.isChanged })
            #expect(try await ground.inspector.explain("job-held").standing.kind == "ready")
        }
    }

    @Test("judges a server by what it says of itself")
    func server() {
        var facts = ServerFacts()
        #expect(Inspector.judge(facts).isEmpty, "what is not said is not judged")
        facts.evictionPolicy = "allkeys-lru"
        facts.memoryLimit = 100 << 20
        facts.usedMemory = 95 << 20
        facts.isAppendOnly = false
        facts.snapshots = ""
        facts.isReplica = true
        facts.layout = 2
        facts.replicas = [ServerFacts.Replica(address: "10.0.0.2:6379", isOnline: false, behind: 0)]
        facts.persistenceFailure = "the last snapshot failed"
        let codes = Inspector.judge(facts).map(\.code)
        #expect(
            codes == ["server-replica", "layout-version", "eviction-policy", "memory-full", "no-persistence", "persistence-failed", "replica-lag"], "\(codes)")
        facts = ServerFacts()
        facts.evictionPolicy = "noeviction"
        facts.isAppendOnly = true
        facts.layout = 1
        #expect(Inspector.judge(facts).isEmpty)
    }
}
