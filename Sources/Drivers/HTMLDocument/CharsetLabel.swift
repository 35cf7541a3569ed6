/// The names that pages give to charsets, as browsers read them.
enum CharsetLabel {
    /// The charset parameter of a `Content-Type` value.
    static func inContentType(_ value: String) -> String? {
        for parameter in value.split(separator: ";").dropFirst() {
            let parts = parameter.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, parts[0].filter({ !$0.isWhitespace }).lowercased() == "charset" else { continue }
            return canonical(String(parts[1].filter { !$0.isWhitespace && $0 != "\"" && $0 != "'" }))
        }
        return nil
    }

    /// The charset that a `meta` element names: `<meta charset=…>` or `<meta http-equiv content="…; charset=…">`.
    static func inMeta(_ head: ArraySlice<UInt8>) -> String? {
        let text = String(decoding: head.map { $0 < 0x80 ? $0 : 0x3F }, as: UTF8.self).lowercased()
        var rest = text[...]
        while let meta = rest.firstRange(of: "<meta") {
            rest = rest[meta.upperBound...]
            let tag = rest.prefix { $0 != ">" }
            guard let key = tag.firstRange(of: "charset") else { continue }
            var value = tag[key.upperBound...].drop { $0.isWhitespace }
            guard value.first == "=" else { continue }
            value = value.dropFirst().drop { $0.isWhitespace || $0 == "\"" || $0 == "'" }
            let label = value.prefix { !$0.isWhitespace && $0 != "\"" && $0 != "'" && $0 != ";" && $0 != "/" }
            if let found = canonical(String(label)) { return found }
        }
        return nil
    }

    /// One name per charset; nil for names that no page should have.
    static func canonical(_ label: String) -> String? {
        let lower = label.lowercased()
        guard !lower.isEmpty, lower.utf8.count <= 32, lower.utf8.allSatisfy(isNameByte) else { return nil }
        switch lower {
        case "utf8", "utf-8", "unicode-1-1-utf-8": return "utf-8"
        case "windows-1251", "cp1251", "win-1251", "win1251", "x-cp1251": return "windows-1251"
        // Pages that say Latin-1 or ASCII mean windows-1252.
        case "iso-8859-1", "iso8859-1", "latin1", "latin-1", "l1", "ascii", "us-ascii", "windows-1252", "cp1252": return "windows-1252"
        case "iso-8859-9", "latin5", "windows-1254": return "windows-1254"
        case "koi8-r", "koi8r", "koi8", "koi": return "koi8-r"
        case "gb2312", "gbk", "gb18030", "x-gbk": return "gb18030"
        case "shift_jis", "shift-jis", "sjis", "x-sjis", "ms_kanji": return "cp932"
        case "euc-kr", "ks_c_5601-1987", "korean": return "cp949"
        case "utf-16", "unicode": return "utf-16le"
        case "utf-7", "utf-32", "none", "default": return nil
        default: return CharsetConversion.isKnown(lower) ? lower : nil
        }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"): return true
        default: return false
        }
    }
}
