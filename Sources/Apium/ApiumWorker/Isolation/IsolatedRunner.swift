import ApiumCore
import DynamicJSON
import Tracing

/// Runs one job in the child process that was placed for it.
struct IsolatedRunner: JobRunner {
    let place: ChildPlace
    let options: IsolationOptions
    /// How long a job that the worker gives up may take to end by itself; then its child is killed.
    let abandonment: Duration

    var pid: Int32 { place.pid }

    /// - Throws: what the job threw in its child; ``ChildLost`` when the child is gone; ``ChildPool/NoChild`` when it never began.
    func run(_ entry: JobRegistry.Entry, _ arguments: TaskArguments, in context: JobContext) async throws -> JSONValue {
        context.limits.observe { place.stop(order(for: $0)) }
        defer { context.limits.forgetObservers() }
        let services = context.services
        let span = ServiceContext.current
        let handlers = ChildRunHandlers { question, answer in
            // Told, not asked: it has to be taken in before the job's end is.
            if case .adopt(let tuple) = question {
                if let tuple = ResultTuple(json: tuple) { services.adopt(tuple) }
                return
            }
            Task { await ServiceContext.withValue(span) { answer(await question.answer(by: services)) } }
        }
        var message = context.message
        JobTracing.current?.inject(into: &message.headers.custom)
        switch await place.run(message, queue: context.queue, fence: context.fence, handlers) {
        case .answered(let outcome):
            if let value = outcome["value"] { return value }
            throw try ThrownError(json: outcome["thrown"] ?? .null).error
        case .lost(let end): throw ChildLost(end: end, run: place.run)
        case .unstartable(let reason): throw ChildPool.NoChild(isWithdrawn: false, description: reason)
        case .withdrawn: throw CancellationError()
        }
    }

    func release() { place.release() }

    private func order(for signal: JobLimits.Signal) -> ChildSupervisor.StopOrder {
        switch signal {
        case .soft: ChildSupervisor.StopOrder(frame: .softLimit)
        case .stop: ChildSupervisor.StopOrder(frame: .abandoned, killAfter: abandonment)
        case .kill(let signal): ChildSupervisor.StopOrder(signal: signal, killAfter: options.terminationGrace)
        }
    }
}
