import NIOCore
import RedisClient
import Synchronization

/// A command that is in no haste and goes with the next one that is sent: a request of its own costs a Redis that sleeps several times what the
/// command does. There is one at most, the last that was put here; it goes by itself when nothing has taken it along in time.
final class PassingCommand: Sendable {
    private struct Waiting {
        var command: RedisCommand
        var timer: Scheduled<Void>
    }

    private let waiting = Mutex<Waiting?>(nil)

    /// - Parameters:
    ///   - limit: How long it waits.
    ///   - send: Sends it when that is over; called on the event loop.
    func put(_ command: RedisCommand, within limit: TimeAmount, on eventLoop: any EventLoop, orElse send: @escaping @Sendable (RedisCommand) -> Void) {
        waiting.withLock { waiting in
            waiting?.timer.cancel()
            let timer = eventLoop.scheduleTask(in: limit) { [weak self] in
                if let command = self?.take() { send(command) }
            }
            waiting = Waiting(command: command, timer: timer)
        }
    }

    /// What waits, for somebody who sends something now.
    func take() -> RedisCommand? {
        let taken = waiting.withLock { $0.take() }
        taken?.timer.cancel()
        return taken?.command
    }
}
