/// Reads the text of a `.env` file.
///
/// A line is `NAME=value`, `export NAME=value`, a `#` comment, or empty. A bare value ends at the line's end or at ` #`.
/// In `'single'` quotes everything stands for itself; in `"double"` quotes `\n \r \t \" \\ \$` are escapes. Quoted
/// values may run over several lines. `$` has no meaning anywhere: nothing is interpolated. The last of two equal names wins.
public enum EnvironmentFile {
    /// Reads a text.
    ///
    /// - Parameter name: the file's name, for faults.
    /// - Throws: ``EnvironmentFileError`` with every bad line; a fault never shows a value.
    public static func parse(_ text: String, name: String = ".env") throws(EnvironmentFileError) -> [String: String] {
        var scanner = EnvScanner(text)
        var values: [String: String] = [:]
        var faults: [String] = []
        while !scanner.isAtEnd {
            let line = scanner.line
            do {
                if let (key, value) = try scanner.entry() { values[key] = value }
            } catch {
                faults.append("\(name), line \(line): \(error.reason)")
                scanner.skipLine()
            }
        }
        guard faults.isEmpty else { throw EnvironmentFileError(faults: faults) }
        return values
    }
}

/// A file with lines that can't be read: every one, with its number.
public struct EnvironmentFileError: Error, Sendable, Hashable, CustomStringConvertible {
    /// One sentence per line, beginning with the file's name and the line's number.
    public var faults: [String]

    public var description: String { faults.joined(separator: "\n") }
}

/// Walks over the text scalar by scalar.
private struct EnvScanner {
    private let text: [Unicode.Scalar]
    private var index = 0
    private(set) var line = 1

    struct Fault: Error { var reason: String }

    init(_ source: String) {
        var scalars: [Unicode.Scalar] = []
        scalars.reserveCapacity(source.unicodeScalars.count)
        for scalar in source.unicodeScalars where !(scalars.isEmpty && scalar == "\u{FEFF}") {
            if scalar == "\n", scalars.last == "\r" { scalars.removeLast() }
            scalars.append(scalar)
        }
        text = scalars
    }

    var isAtEnd: Bool { index >= text.count }
    private var current: Unicode.Scalar? { isAtEnd ? nil : text[index] }

    private mutating func advance() {
        if text[index] == "\n" { line += 1 }
        index += 1
    }

    /// One line, or more if a quoted value runs on; `nil` for a comment or an empty one.
    mutating func entry() throws(Fault) -> (String, String)? {
        skipBlanks()
        if current == nil { return nil }
        if current == "\n" || current == "#" {
            skipLine()
            return nil
        }
        var key = word()
        if key == "export", current == " " || current == "\t" {
            skipBlanks()
            key = word()
        }
        guard let first = key.unicodeScalars.first, !("0"..."9").contains(first) else {
            throw Fault(reason: "a line is NAME=value, a comment beginning with #, or empty")
        }
        skipBlanks()
        guard current == "=" else { throw Fault(reason: "after the name there must be =") }
        advance()
        skipBlanks()
        let value = try self.value(of: key)
        skipLine()
        return (key, value)
    }

    private mutating func value(of key: String) throws(Fault) -> String {
        switch current {
        case "'", "\"":
            let value = try quoted(key)
            skipBlanks()
            guard current == nil || current == "\n" || current == "#" else { throw Fault(reason: "something follows the closing quote of \(key)") }
            return value
        default: return bare()
        }
    }

    private mutating func quoted(_ key: String) throws(Fault) -> String {
        guard let quote = current else { return "" }
        let start = index
        let startLine = line
        var value = String.UnicodeScalarView()
        advance()
        while let scalar = current {
            advance()
            if scalar == quote { return String(value) }
            guard scalar == "\\", quote == "\"", let escaped = current else {
                value.append(scalar)
                continue
            }
            advance()
            switch escaped {
            case "n": value.append("\n")
            case "r": value.append("\r")
            case "t": value.append("\t")
            case "\"", "\\", "$": value.append(escaped)
            default:
                value.append("\\")
                value.append(escaped)
            }
        }
        // Faults of later lines are still wanted: go on behind the line where the quote was opened.
        index = start
        line = startLine
        throw Fault(reason: "the quote of \(key) is never closed")
    }

    private mutating func bare() -> String {
        var value = String.UnicodeScalarView()
        // Behind the =, or behind blanks that follow it.
        var previousIsBlank = text[index - 1] != "="
        while let scalar = current, scalar != "\n" {
            if scalar == "#", previousIsBlank { break }
            previousIsBlank = scalar == " " || scalar == "\t"
            value.append(scalar)
            advance()
        }
        while let last = value.last, last == " " || last == "\t" || last == "\r" { value.removeLast() }
        return String(value)
    }

    private mutating func word() -> String {
        var word = String.UnicodeScalarView()
        while let scalar = current, ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || ("0"..."9").contains(scalar) || scalar == "_" {
            word.append(scalar)
            advance()
        }
        return String(word)
    }

    private mutating func skipBlanks() {
        while current == " " || current == "\t" { advance() }
    }

    mutating func skipLine() {
        while let scalar = current {
            advance()
            if scalar == "\n" { return }
        }
    }
}
