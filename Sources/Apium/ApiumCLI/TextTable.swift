/// Rows of texts: with a head and aligned on a terminal, without a head and with tabs between in a pipe.
struct TextTable {
    let head: [String]
    private(set) var rows: [[String]] = []
    private var looks: [Terminal.Look?] = []

    init(_ head: String...) { self.head = head }

    mutating func add(_ cells: String...) { add(cells) }

    /// Adds a row.
    ///
    /// - Parameter look: how it looks where there are colours. Default: as any text.
    mutating func add(_ cells: [String], _ look: Terminal.Look? = nil) {
        rows.append(cells.map(Terminal.plain))
        looks.append(look)
    }

    /// The lines of the table.
    func lines(isTerminal: Bool = Terminal.isThere) -> [String] {
        guard isTerminal else { return rows.map { $0.joined(separator: "\t") } }
        let widths = head.indices.map { column in ([head] + rows).map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
        return [Terminal.strong(line(head, widths))]
            + zip(rows, looks).map { row, look in look.map { Terminal.styled(line(row, widths), $0) } ?? line(row, widths) }
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
