import ApiumCore
import ApiumTesting
import DynamicJSON
import Synchronization
import Testing

@Suite("The crash lab", .timeLimit(.minutes(2)))
struct CrashLabTests {
    /// Does what it is told, and counts.
    final class Ledger: Sendable {
        private let counts = Mutex<[String: Int]>([:])
        func add(_ name: String) { counts.withLock { $0[name, default: 0] += 1 } }
        subscript(name: String) -> Int { counts.withLock { $0[name, default: 0] } }
    }

    struct Careless: DependentJob {
        static let name = "test.careless"
        var number: Int
        func run(in context: JobContext, using ledger: Ledger) async throws -> Int {
            ledger.add("begun")
            try await context.effect("begun")
            ledger.add("done")
            return number
        }
    }

    struct Retrying: DependentJob {
        static let name = "test.retrying"
        static let options = JobOptions(queue: "slow", retry: .exponential(attempts: 3, base: .seconds(600)))
        func run(in context: JobContext, using ledger: Ledger) async throws -> Int {
            if context.retries < 2 { throw JobFailure(type: "ValueError") }
            return context.retries
        }
    }

    private func careless() -> (JobRegistry, Ledger) {
        let ledger = Ledger()
        var registry = JobRegistry()
        registry.register(Careless.self, using: ledger)
        registry.register(Retrying.self, using: ledger)
        return (registry, ledger)
    }

    @Test("a worker dies before and after each effect, and another ends the job")
    func places() async throws {
        var seen: [String] = []
        let points = try await CrashLab.run(Careless(number: 7)) {
            careless()
        } check: { outcome, _ in
            #expect(outcome.result?.state == .success && outcome.result?.result == 7)
            seen.append("\(outcome.point?.description ?? "none"): \(outcome.runs)")
        }
        #expect(
            seen == [
                "none: 1", "after the claim of test.careless (effect 0): 2",
                "before 'begun' (effect 1): 2", "after 'begun' (effect 1): 2", "before the end of test.careless (effect 2): 2",
                "after the end of test.careless (effect 2): 1",
            ])
        #expect(points.count == 5)
    }

    @Test("what a job does twice is found")
    func doubles() async throws {
        var doubled: [CrashPoint] = []
        try await CrashLab.run(Careless(number: 7)) {
            careless()
        } check: { outcome, ledger in
            #expect(ledger["done"] >= 1)
            if ledger["begun"] > 1, let point = outcome.point { doubled.append(point) }
        }
        // After the claim it had not begun; after its end it is not run again.
        #expect(doubled.map(\.effect) == [.declared("begun"), .declared("begun"), .ended(task: "test.careless")])
        #expect(doubled.map(\.side) == [.before, .after, .before])
    }

    @Test("times to wait are skipped, and a retry lost with its worker comes again")
    func retries() async throws {
        try await CrashLab.run(Retrying()) {
            careless()
        } check: { outcome, _ in
            #expect(outcome.result?.state == .success && outcome.result?.result == 2)
            #expect(outcome.runs >= 3 && outcome.runs <= 4)
        }
    }

    @Test("a job that does not come to rest is said to be so")
    func restless() async throws {
        struct Forever: Job {
            static let name = "test.forever"
            func run(in context: JobContext) async throws -> NoOutput { throw Snooze(for: .seconds(1)) }
        }
        let error = await #expect(throws: ApiumError.self) {
            try await CrashLab.run(Forever(), patience: .milliseconds(300)) {
                var registry = JobRegistry()
                registry.register(Forever.self)
                return (registry, ())
            } check: { _, _ in
            }
        }
        #expect(error?.code == .timedOut)
    }
}
