import ApiumCore
import DynamicJSON

/// What a job asks of the worker that runs it.
final class RunServices: JobServices {
    let environment: WorkerEnvironment
    let job: Assignment
    let effects: RunEffects

    init(environment: WorkerEnvironment, job: Assignment, effects: RunEffects) {
        self.environment = environment
        self.job = job
        self.effects = effects
    }

    func report(_ state: JobState, _ value: JSONValue) async throws {
        try await environment.results.store(job.document(state, value, children: effects.children, now: environment.now()))
    }

    func adopt(_ child: ResultTuple) { effects.adopt([child]) }

    func send(_ signature: Signature, args: [JSONValue], kwargs: [String: JSONValue], asChild: Bool) async throws -> ResultTuple? {
        let dispatcher = environment.dispatcher(at: try await environment.broker.serverTime())
        let plan = try dispatcher.plan(signature, with: args, kwargs: kwargs, sender: job.sender)
        try await carryOut(plan)
        if asChild { effects.adopt(plan.children) }
        return plan.result
    }

    func replace(with signature: Signature) async throws {
        let dispatcher = environment.dispatcher(at: try await environment.broker.serverTime())
        effects.replace(with: try dispatcher.replacement(of: job.message, job.arguments ?? TaskArguments(), with: signature))
    }

    func addToChord(_ signature: Signature) async throws -> ResultTuple? {
        let dispatcher = environment.dispatcher(at: try await environment.broker.serverTime())
        let addition = try dispatcher.addition(of: signature, toChordOf: job.message, job.arguments ?? TaskArguments())
        // Expected before it can come: a part too many would never complete the chord, one too few would do so early.
        try await environment.results.expectMore(addition.parts, partsOf: addition.group)
        let plan = addition.plan
        try await carryOut(plan)
        effects.adopt(plan.children)
        return plan.result
    }

    private func carryOut(_ plan: DispatchPlan) async throws {
        if !plan.chords.isEmpty { try await environment.results.open(plan.chords) }
        if !plan.messages.isEmpty { try await environment.broker.enqueue(plan.messages) }
    }
}
