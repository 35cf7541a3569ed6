import ApiumCore
import ArgumentParser
import Foundation
import UnixSignals

/// Whether an answer is shown once, or again and again.
struct WatchOptions: ParsableArguments {
    @Flag(name: .shortAndLong, help: "Show it again and again until Ctrl-C; on a terminal only.") var watch = false
    @Option(help: "The time between two looks, at least 0.1s.") var interval = DurationArgument(seconds: 1)

    func validate() throws {
        if watch && !Terminal.isThere { throw ValidationError("--watch needs a terminal; a script asks again itself, with --json") }
        guard interval.value >= .milliseconds(100) else { throw ValidationError("--interval takes 0.1 seconds or more") }
    }

    /// The time between two looks.
    var time: Duration { interval.value }
}

/// A text that is drawn anew in place: on a screen of its own, so that what was on the terminal is there afterwards.
enum LiveView {
    private static let enter = "\u{1B}[?1049h\u{1B}[?25l"
    private static let leave = "\u{1B}[?25h\u{1B}[?1049l"

    /// Draws what `frame` gives, until Ctrl-C or SIGTERM.
    ///
    /// - Parameter frame: makes the lines; it takes as long as what it measures, and may wait.
    static func run(every interval: Duration, _ frame: @escaping @Sendable () async throws -> [String]) async throws {
        CommandOutput.write(enter)
        defer { CommandOutput.write(leave) }
        try await untilStopped {
            while !Task.isCancelled {
                let began = ContinuousClock.now
                draw(try await frame())
                try await Task.sleep(until: began + interval)
            }
        }
    }

    /// Runs a body until it ends, or somebody presses Ctrl-C: that is no fault.
    static func untilStopped(_ body: @escaping @Sendable () async throws -> Void) async throws {
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                do { try await body() } catch is CancellationError {}
            }
            group.addTask { for await _ in signals { return } }
            try await group.next()
            group.cancelAll()
        }
    }

    private static func draw(_ lines: [String]) {
        let size = Terminal.size
        var text = "\u{1B}[H"
        for line in lines.prefix(size.rows - 1) { text += Terminal.clipped(line, to: size.columns) + "\u{1B}[K\r\n" }
        CommandOutput.write(text + "\u{1B}[J")
    }
}
