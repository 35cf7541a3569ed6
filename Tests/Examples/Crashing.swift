import Apium
import ApiumTesting
import DynamicJSON
import Synchronization
import Testing

/// Charges an order and sends a receipt, so that neither happens twice.
struct ChargeOrder: DependentJob {
    static let name = "shop.charge_order"
    var order: Int

    func run(in context: JobContext, using bank: FakeBank) async throws -> String {
        // docs: job
        // The bank knows the id: a run that comes again charges nothing.
        bank.charge(order, key: context.id)
        try await context.effect("charged")
        try await context.updateState("CHARGED", ["order": .int(Int64(order))])
        try await context.enqueue(TellCustomer(order: order), .once("receipt-\(order)"))
        return "charged"
        // docs: end
    }
}

struct TellCustomer: DependentJob {
    static let name = "shop.tell_customer"
    var order: Int

    func run(in context: JobContext, using bank: FakeBank) async throws -> NoOutput {
        bank.tell(order)
        return NoOutput()
    }
}

/// What the jobs do to the world.
final class FakeBank: Sendable {
    private let state = Mutex((keys: Set<String>(), charges: 0, told: 0))
    var charges: Int { state.withLock { $0.charges } }
    var told: Int { state.withLock { $0.told } }

    func charge(_ order: Int, key: String) {
        state.withLock { if $0.keys.insert(key).inserted { $0.charges += 1 } }
    }

    func tell(_ order: Int) { state.withLock { $0.told += 1 } }
}

/// Every place at which a worker may die in the middle of a job.
@Suite("Example: a crash lab", .timeLimit(.minutes(2)))
struct CrashExamples {
    @Test("an order is charged once, wherever the worker dies")
    func everywhere() async throws {
        // docs: lab
        let points = try await CrashLab.run(ChargeOrder(order: 7)) {
            let bank = FakeBank()
            var registry = JobRegistry()
            registry.register(ChargeOrder.self, using: bank)
            registry.register(TellCustomer.self, using: bank)
            return (registry, bank)
        } check: { outcome, bank in
            let place: Comment = "\(outcome.point.map(String.init(describing:)) ?? "without a crash")"
            #expect(outcome.result?.state == .success, place)
            #expect(bank.charges == 1, place)
            #expect(bank.told >= 1, place)
        }
        // docs: end
        #expect(points.contains { $0.effect == .declared("charged") && $0.side == .after })
        #expect(points.contains { $0.effect == .stored("CHARGED") } && points.contains { $0.effect == .sent(tasks: [TellCustomer.name]) })
    }
}
