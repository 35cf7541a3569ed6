import ApiumCore
import DynamicJSON
import Logging

/// What becomes of a message whose job this worker doesn't know (invariant 5): it goes back, later each time, while another live worker of
/// its queue knows the job, as while a new release is rolled out; else it is parked, and FAILURE `NotRegistered` is stored as Celery does.
struct UnknownJob: Sendable {
    let session: any BrokerSession
    let logger: Logger

    /// How often a message is passed on before it is parked all the same: about five minutes.
    static let turns = 16

    /// How long the message waits after so many turns: 250 ms, doubling to 30 s.
    static func delay(after turns: Int) -> Duration { min(.seconds(30), .milliseconds(250) * (1 << min(max(turns, 0), 10))) }

    func verdict(on message: Message, from queue: String) async -> Verdict {
        let turns = message.timesPassedOn
        do {
            guard try await session.isKnownElsewhere(message.task, on: queue) else {
                return parked(message, "no job named \(message.task) is registered with this worker, nor with another live one that serves \(queue)")
            }
        } catch {
            logger.error("who knows a job could not be read; its message waits", metadata: ["task": "\(message.task)", "error": "\(error)"])
            return .snooze(.seconds(1))
        }
        guard turns < Self.turns else {
            return parked(
                message, "no job named \(message.task) is registered with this worker; another one knows it, and did not take it in \(turns) turns")
        }
        logger.notice(
            "a job that only another worker knows goes back for it", metadata: ["task": "\(message.task)", "job": "\(message.id)", "turn": "\(turns + 1)"])
        return .passedOn(Self.delay(after: turns))
    }

    private func parked(_ message: Message, _ reason: String) -> Verdict {
        logger.error("a message is parked, for no worker knows its job", metadata: ["task": "\(message.task)", "job": "\(message.id)", "why": "\(reason)"])
        return .parked(reason: reason, failure: JobFailure(type: "NotRegistered", arguments: [.string(message.task)], module: "celery.exceptions"))
    }
}
