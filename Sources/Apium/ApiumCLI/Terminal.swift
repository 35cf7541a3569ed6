import Foundation
import Synchronization

/// What a person reads on a terminal, and a program in a pipe.
enum Terminal {
    private static let choice = Mutex(ColourChoice.auto)

    /// What the command line says of colours; said once, before anything is written.
    static func choose(_ colours: ColourChoice) { choice.withLock { $0 = colours } }

    /// Whether standard output is a terminal.
    static var isThere: Bool { isatty(STDOUT_FILENO) == 1 }

    /// Whether there is somebody to ask: a terminal on both sides.
    static var isInteractive: Bool { isThere && isatty(STDIN_FILENO) == 1 }

    /// Whether it may be coloured: by `--color`; else it is one, and nobody has said no (no-color.org).
    static var hasColours: Bool {
        switch choice.withLock({ $0 }) {
        case .always: true
        case .never: false
        case .auto: isThere && (ProcessInfo.processInfo.environment["NO_COLOR"] ?? "").isEmpty && ProcessInfo.processInfo.environment["TERM"] != "dumb"
        }
    }

    /// How a text may look.
    enum Look: String {
        case strong = "1", dim = "2", red = "31", green = "32", yellow = "33", magenta = "35", cyan = "36"
    }

    /// A text as it looks where there are colours.
    static func styled(_ text: String, _ look: Look) -> String { hasColours ? "\u{1B}[\(look.rawValue)m\(text)\u{1B}[0m" : text }

    /// A text that stands out, where there are colours.
    static func strong(_ text: String) -> String { styled(text, .strong) }

    /// A text in the colour of an alarm, where there are colours.
    static func alarming(_ text: String) -> String { styled(text, .red) }

    /// A text from elsewhere, without the control characters by which it could steer a terminal, on one line.
    static func plain(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }))
    }

    /// Rows and columns of the window; where it does not say, 24 and 80.
    static var size: (rows: Int, columns: Int) {
        var window = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &window) == 0, window.ws_row > 0, window.ws_col > 0 else { return (24, 80) }
        return (Int(window.ws_row), Int(window.ws_col))
    }

    /// The beginning of a text that fits so many columns, its colours being no columns.
    static func clipped(_ text: String, to columns: Int) -> String {
        var result = ""
        var used = 0
        var isEscape = false
        for character in text {
            if character == "\u{1B}" { isEscape = true }
            if !isEscape {
                guard used < columns else { return result + (text.contains("\u{1B}") ? "\u{1B}[0m" : "") }
                used += 1
            }
            if isEscape, character.isLetter { isEscape = false }
            result.append(character)
        }
        return result
    }

    /// Asks a question that is answered with yes or no; anything but yes is no.
    static func confirms(_ question: String) async -> Bool {
        CommandOutput.write(question)
        let answer = await OwnThread.run { readLine(strippingNewline: true) ?? "" }
        return ["y", "yes", "д", "да"].contains(answer.lowercased().trimmingCharacters(in: .whitespaces))
    }
}

/// Work that blocks its thread gets one of its own.
enum OwnThread {
    /// Runs a body on a new thread.
    static func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            let thread = Thread { continuation.resume(returning: body()) }
            thread.start()
        }
    }
}
