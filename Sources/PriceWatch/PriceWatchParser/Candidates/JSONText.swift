import DynamicJSON

/// Reads the JSON of pages, which is often not JSON: comments, CDATA marks, raw control characters, trailing commas and
/// semicolons, several values in a row.
enum JSONText {
    /// A block longer than this is left alone.
    static let longest = 2 << 20

    /// The values in the text, in order. What can't be read is skipped; it never takes what follows with it.
    static func values(in text: String) -> [JSONValue] {
        guard text.utf8.count <= longest else { return [] }
        if let value = try? JSONValue(parsing: text) { return [value] }
        let pieces = JSONRepair.pieces(of: Array(text.utf8))
        let values = pieces.compactMap { try? JSONValue(parsing: $0) }
        if values.isEmpty, text.contains("&quot;") {
            let decoded = EntityText.decoded(text)
            if !decoded.contains("&quot;") { return self.values(in: decoded) }
        }
        return values
    }
}

/// Cuts a text into its top-level objects and arrays and repairs each.
enum JSONRepair {
    static func pieces(of text: [UInt8]) -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        var place = 0
        while place < text.count {
            if let end = skipComment(text, at: place) {
                place = end
            } else if text[place] == UInt8(ascii: "{") || text[place] == UInt8(ascii: "[") {
                let (piece, end) = repairedValue(text, from: place)
                if let piece { pieces.append(piece) }
                place = end
            } else {
                // CDATA marks, `<!--`, semicolons, an assignment before the value.
                place += text[place...].starts(with: Array("<![CDATA[".utf8)) ? 9 : 1
            }
        }
        return pieces
    }

    /// One value from its opening bracket to the matching one; nil for a text that is cut off.
    private static func repairedValue(_ text: [UInt8], from start: Int) -> ([UInt8]?, end: Int) {
        var output: [UInt8] = []
        var depth = 0
        var place = start
        while place < text.count {
            if let end = skipComment(text, at: place) {
                place = end
                continue
            }
            let byte = text[place]
            switch byte {
            case UInt8(ascii: "\""):
                place = copyString(text, from: place, to: &output)
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                output.append(byte)
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                dropTrailingComma(&output)
                output.append(byte)
                if depth == 0 { return (output, place + 1) }
            default:
                output.append(byte)
            }
            place += 1
        }
        return (nil, text.count)
    }

    /// Copies a string, raw control characters escaped; gives the place behind it.
    private static func copyString(_ text: [UInt8], from start: Int, to output: inout [UInt8]) -> Int {
        output.append(text[start])
        var place = start + 1
        while place < text.count {
            let byte = text[place]
            if byte == UInt8(ascii: "\\"), place + 1 < text.count {
                output += escape(text[place + 1])
                place += 2
                continue
            }
            place += 1
            if byte < 0x20 {
                output.append(0x20)
            } else {
                output.append(byte)
                if byte == UInt8(ascii: "\"") { break }
            }
        }
        return place
    }

    /// An escape that JSON does not know, such as `\'`, means its character.
    private static func escape(_ byte: UInt8) -> [UInt8] {
        Array("\"\\/bfnrtu".utf8).contains(byte) ? [UInt8(ascii: "\\"), byte] : byte < 0x20 ? [0x20] : [byte]
    }

    private static func dropTrailingComma(_ output: inout [UInt8]) {
        var last = output.count - 1
        while last >= 0, [0x20, 0x09, 0x0A, 0x0D].contains(output[last]) { last -= 1 }
        if last >= 0, output[last] == UInt8(ascii: ",") { output.removeSubrange(last...) }
    }

    /// The place behind a comment that begins here: `//`, `/* */`, `<!--` and `-->` count as such.
    private static func skipComment(_ text: [UInt8], at place: Int) -> Int? {
        guard place + 1 < text.count, text[place] == UInt8(ascii: "/") else { return nil }
        if text[place + 1] == UInt8(ascii: "/") {
            let line = text[place...].prefix { $0 != 0x0A }
            // `//<![CDATA[` shares its line with nothing else; a value on the line is no comment.
            return place + line.count
        }
        guard text[place + 1] == UInt8(ascii: "*") else { return nil }
        var end = place + 2
        while end + 1 < text.count, !(text[end] == UInt8(ascii: "*") && text[end + 1] == UInt8(ascii: "/")) { end += 1 }
        return min(end + 2, text.count)
    }
}
