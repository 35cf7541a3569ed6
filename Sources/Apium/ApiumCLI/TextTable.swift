import Foundation

/// What a person reads on a terminal, and a program in a pipe.
enum Terminal {
    /// Whether standard output is a terminal.
    static var isThere: Bool { isatty(STDOUT_FILENO) == 1 }

    /// Whether it may be coloured: it is one, and nobody has said no (no-color.org).
    static var hasColours: Bool { isThere && (ProcessInfo.processInfo.environment["NO_COLOR"] ?? "").isEmpty }

    /// A text that stands out, where there are colours.
    static func strong(_ text: String) -> String { hasColours ? "\u{1B}[1m\(text)\u{1B}[0m" : text }

    /// A text in the colour of an alarm, where there are colours.
    static func alarming(_ text: String) -> String { hasColours ? "\u{1B}[31m\(text)\u{1B}[0m" : text }

    /// A text from elsewhere, without the control characters by which it could steer a terminal, on one line.
    static func plain(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.map { $0.properties.generalCategory == .control ? " " : $0 }))
    }
}

/// Rows of texts: with a head and aligned on a terminal, without a head and with tabs between in a pipe.
struct TextTable {
    let head: [String]
    private(set) var rows: [[String]] = []

    init(_ head: String...) { self.head = head }

    mutating func add(_ cells: String...) { rows.append(cells.map(Terminal.plain)) }

    /// The lines of the table.
    func lines(isTerminal: Bool = Terminal.isThere) -> [String] {
        guard isTerminal else { return rows.map { $0.joined(separator: "\t") } }
        let widths = head.indices.map { column in ([head] + rows).map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
        return [Terminal.strong(line(head, widths))] + rows.map { line($0, widths) }
    }

    private func line(_ cells: [String], _ widths: [Int]) -> String {
        let padded = cells.enumerated().map { column, cell in
            column + 1 == cells.count ? cell : cell + String(repeating: " ", count: max(0, widths[column] - cell.count))
        }
        return padded.joined(separator: "  ")
    }

    /// Writes the table to standard output.
    func write() {
        for line in lines() { CommandOutput.line(line) }
    }
}
