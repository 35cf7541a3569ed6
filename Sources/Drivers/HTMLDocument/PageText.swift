/// A page's bytes as UTF-8: which charset they are in, and their conversion.
///
/// The order is: byte order mark, the header's charset, the page's `meta` within its first 1,024 bytes, UTF-8 if the bytes are
/// valid UTF-8, else windows-1251, the most common charset of undeclared pages in this field. A declared UTF-8 that the bytes
/// contradict gives way to what the `meta` says.
public enum PageText {
    /// Decodes a page. NUL bytes, and bytes that the charset does not know, become U+FFFD.
    public static func decode(_ bytes: [UInt8], contentType: String?) -> (utf8: [UInt8], charset: String) {
        let (charset, markLength) = detect(bytes, contentType: contentType)
        let content = bytes[markLength...]
        if charset == "utf-8" { return (repaired(content), charset) }
        guard let converted = CharsetConversion.utf8(from: charset, Array(content)) else { return (repaired(content), "utf-8") }
        return (repaired(converted[...]), charset)
    }

    private static func detect(_ bytes: [UInt8], contentType: String?) -> (charset: String, markLength: Int) {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { return ("utf-8", 3) }
        if bytes.starts(with: [0xFF, 0xFE]) { return ("utf-16le", 2) }
        if bytes.starts(with: [0xFE, 0xFF]) { return ("utf-16be", 2) }
        let isUTF8 = isValidUTF8(bytes)
        let declared = [
            contentType.flatMap { CharsetLabel.inContentType($0) },
            CharsetLabel.inMeta(bytes.prefix(1024)),
        ].compactMap { $0 }
        // A `meta` that could be read byte by byte cannot be in UTF-16, whatever it says.
        for label in declared where !label.hasPrefix("utf-16") {
            if label == "utf-8" && !isUTF8 && declared.contains(where: { $0 != "utf-8" }) { continue }
            return (label, 0)
        }
        return (isUTF8 ? "utf-8" : "windows-1251", 0)
    }

    private static func isValidUTF8(_ bytes: [UInt8]) -> Bool {
        String(validating: bytes, as: UTF8.self) != nil
    }

    private static func repaired(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        let text = Array(String(decoding: bytes, as: UTF8.self).utf8)
        guard text.contains(0) else { return text }
        return text.flatMap { $0 == 0 ? [0xEF, 0xBF, 0xBD] : [$0] }
    }
}
