import ApiumCore
import NIOCore
import PriceWatchModel
import ServiceLifecycle
import Synchronization

/// One browser's stream of events.
struct LiveStream: Sendable {
    let panel: AdminPanel
    let filter: ChartFilter
    let words: LiveWords
    /// The session's token: the stream ends with the session.
    let token: String

    /// Between two looks.
    static let interval = Duration.seconds(2)
    /// How often the session is asked for: every fifth time, so that a stream ends within ten seconds of signing out.
    static let sessionRounds = 5
    /// The browser connects again afterwards, so that no stream outlives a deployment's idea of it by long.
    static let life = Duration.seconds(600)

    /// Writes events until the session has ended, the broker is away, or the stream's life is over; the browser then connects again.
    func run(_ write: (ByteBuffer) async throws -> Void) async throws {
        try await write(ByteBuffer(string: "retry: 3000\n\n"))
        let end = ContinuousClock.now + Self.life
        var last = ""
        var isQuiet = 0
        var round = 0
        while ContinuousClock.now < end {
            if round % Self.sessionRounds == 0, try await !isSignedIn { return }
            round += 1
            let text = try await panel.board(filter, words).event.text
            // A comment now and then tells a browser, and what is in between, that the stream lives.
            if text != last || isQuiet >= 7 {
                try await write(ByteBuffer(string: text == last ? ": still\n\n" : "data: \(text)\n\n"))
                isQuiet = 0
            } else {
                isQuiet += 1
            }
            last = text
            guard try await rest() else { return }
        }
    }

    /// Waits until the next look; false when the server shuts down.
    private func rest() async throws -> Bool {
        do {
            try await cancelWhenGracefulShutdown { try await Task.sleep(for: panel.streamInterval) }
            return true
        } catch is CancellationError where !Task.isCancelled {
            return false
        }
    }

    /// Looking on does not keep a session alive.
    private var isSignedIn: Bool {
        get async throws { try await panel.services.sessions.isOpen(tokenHash: Tokens.hash(token), idle: panel.idle, age: panel.age) }
    }
}

/// The places for streams: each holds a connection and reads every two seconds.
final class StreamSeats: Sendable {
    private let taken = Mutex(0)
    private let limit: Int

    init(limit: Int = 64) { self.limit = limit }

    /// A place, or `nil` when all are taken.
    func take() -> Seat? {
        taken.withLock { taken in
            guard taken < limit else { return nil }
            taken += 1
            return Seat(seats: self)
        }
    }

    fileprivate func leave() { taken.withLock { $0 -= 1 } }

    /// One place; given back once.
    final class Seat: Sendable {
        private let seats: StreamSeats
        private let isTaken = Mutex(true)

        fileprivate init(seats: StreamSeats) { self.seats = seats }

        func leave() {
            let wasTaken = isTaken.withLock { taken in
                defer { taken = false }
                return taken
            }
            if wasTaken { seats.leave() }
        }

        deinit { leave() }
    }
}
