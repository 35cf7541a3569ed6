import ApiumCore
import Synchronization

/// Counts the effects of one worker, and stops it for good at one of them: whoever comes to a dead worker's script waits until the trial is
/// over, and then learns that it is cancelled.
final class CrashScript: Sendable {
    typealias Target = (side: CrashPoint.Side, index: Int)

    private struct State {
        var entered = 0
        var happened: [JobEffect] = []
        var point: CrashPoint?
        var isOver = false
        var parked: [CheckedContinuation<Void, any Error>] = []
        var sessions: [InMemorySession] = []
    }

    private let target: Target?
    private let state = Mutex(State())

    /// - Parameter target: where the worker dies; `nil`: nowhere.
    init(target: Target?) { self.target = target }

    /// What has happened, in order.
    var happened: [JobEffect] { state.withLock { $0.happened } }
    /// Where the worker died.
    var point: CrashPoint? { state.withLock { $0.point } }

    /// Does something that others see.
    func perform<Value>(_ effect: JobEffect, _ body: () async throws -> Value) async throws -> Value {
        try await live()
        let index = state.withLock { state in
            state.entered += 1
            return state.entered - 1
        }
        try await arrive(.before, index, effect)
        let value = try await body()
        state.withLock { $0.happened.append(effect) }
        try await arrive(.after, index, effect)
        return value
    }

    /// Falls silent when the worker dies.
    func watch(_ session: InMemorySession) { state.withLock { $0.sessions.append(session) } }

    /// Goes on if the worker lives.
    func live() async throws {
        guard state.withLock({ $0.point != nil }) else { return }
        try await park()
    }

    /// Ends the trial: what waits goes on as cancelled.
    func end() {
        let parked = state.withLock { state in
            state.isOver = true
            defer { state.parked = [] }
            return state.parked
        }
        for continuation in parked { continuation.resume(throwing: CancellationError()) }
    }

    private func arrive(_ side: CrashPoint.Side, _ index: Int, _ effect: JobEffect) async throws {
        guard let target, target.side == side, target.index == index else { return }
        let sessions = state.withLock { state in
            state.point = CrashPoint(side: side, index: index, effect: effect)
            return state.sessions
        }
        for session in sessions { session.silence() }
        try await park()
    }

    private func park() async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            let isOver = state.withLock { state in
                if !state.isOver { state.parked.append(continuation) }
                return state.isOver
            }
            if isOver { continuation.resume(throwing: CancellationError()) }
        }
    }
}
