import Foundation

/// How far something is that a command waits for.
///
/// On a terminal it is one line, written anew in place; elsewhere a line for each change. A command that answers in JSON shows none.
struct Progress {
    private enum Form { case live, lines, none }

    private let form: Form
    private let began = ContinuousClock.now
    private var told: [String: String] = [:]
    private var isDrawn = false

    /// - Parameter isSilent: nothing is shown.
    init(isSilent: Bool) { form = isSilent ? .none : Terminal.isThere ? .live : .lines }

    /// Shows how each one stands that is waited for, by its name.
    mutating func show(_ states: [(name: String, state: String)]) {
        switch form {
        case .none: return
        case .lines:
            for (name, state) in states where told.updateValue(state, forKey: name) != state { CommandOutput.line("\(Terminal.plain(name))\t\(state)") }
        case .live:
            let words = states.map { "\(Terminal.plain($0.name)): \($0.state)" }.joined(separator: ", ")
            let seconds = Int((ContinuousClock.now - began).components.seconds)
            CommandOutput.write("\r" + Terminal.clipped(Terminal.styled("\(seconds) s  ", .dim) + words, to: Terminal.size.columns - 1) + "\u{1B}[K")
            isDrawn = true
        }
    }

    /// Says what became of one for good: it stays on the terminal.
    mutating func settle(_ name: String, _ state: String) {
        guard form != .none else { return }
        clear()
        CommandOutput.line("\(Terminal.plain(name))\t\(state)")
    }

    /// Takes the line away: the next one begins where it stood.
    mutating func clear() {
        if isDrawn { CommandOutput.write("\r\u{1B}[K") }
        isDrawn = false
    }
}
