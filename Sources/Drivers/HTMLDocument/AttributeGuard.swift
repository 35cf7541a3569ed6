/// Finds elements with very many attributes before libxml2 does.
///
/// libxml2 compares each attribute with all before it, so a page of a few megabytes that is one single tag would cost hours.
/// The scan follows libxml2's reading of tags, quotes, comments, and of script and style, whose content is no markup.
enum AttributeGuard {
    static func accepts(_ page: [UInt8], limit: Int) -> Bool {
        var scan = Scan(page: page, limit: limit)
        return scan.run()
    }

    private struct Scan {
        let page: [UInt8]
        let limit: Int
        var place = 0
        /// Nor is there one further on: looked for once, or a page of nothing but beginnings of comments would cost hours.
        var hasNoCommentEnd = false

        init(page: [UInt8], limit: Int) {
            self.page = page
            self.limit = limit
        }

        mutating func run() -> Bool {
            while place < page.count {
                guard page[place] == UInt8(ascii: "<") else {
                    place += 1
                    continue
                }
                place += 1
                if starts(with: "!--", at: place) {
                    skipComment()
                } else if place < page.count, isLetter(page[place]) {
                    let nameStart = place
                    guard passTag() else { return false }
                    skipRawText(nameStart: nameStart)
                }
            }
            return true
        }

        /// Passes a tag to behind its `>`; false when it has too many parts.
        private mutating func passTag() -> Bool {
            var parts = 0
            var isInSpace = false
            var isAfterEquals = false
            while place < page.count, page[place] != UInt8(ascii: ">") {
                let byte = page[place]
                place += 1
                if isSpace(byte) {
                    isInSpace = true
                    continue
                }
                if isAfterEquals, byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
                    while place < page.count, page[place] != byte { place += 1 }
                    place += 1
                    isAfterEquals = false
                    // The next attribute may follow the quote without a space.
                    isInSpace = true
                    continue
                }
                if isInSpace && !isAfterEquals && byte != UInt8(ascii: "=") {
                    parts += 1
                    if parts > limit { return false }
                }
                isInSpace = false
                isAfterEquals = byte == UInt8(ascii: "=")
            }
            place += 1
            return true
        }

        private mutating func skipComment() {
            if hasNoCommentEnd { return }
            var end = place + 3
            while end + 2 < page.count {
                if page[end] == UInt8(ascii: "-"), page[end + 1] == UInt8(ascii: "-") {
                    if page[end + 2] == UInt8(ascii: ">") || page[end + 2] == UInt8(ascii: "!") {
                        place = end
                        return
                    }
                }
                end += 1
            }
            hasNoCommentEnd = true
            // A comment without end hides nothing: its content is scanned as markup.
        }

        private mutating func skipRawText(nameStart: Int) {
            for name in ["script", "style"] where starts(with: name, at: nameStart) && endsName(at: nameStart + name.utf8.count) {
                var end = place
                while end + 1 < page.count {
                    if page[end] == UInt8(ascii: "<"), page[end + 1] == UInt8(ascii: "/"), starts(with: name, at: end + 2) {
                        place = end
                        return
                    }
                    end += 1
                }
                place = page.count
                return
            }
        }

        private func endsName(at index: Int) -> Bool {
            index >= page.count || isSpace(page[index]) || page[index] == UInt8(ascii: ">") || page[index] == UInt8(ascii: "/")
        }

        private func starts(with word: String, at index: Int) -> Bool {
            var index = index
            for byte in word.utf8 {
                guard index < page.count, page[index] | (isLetter(page[index]) ? 0x20 : 0) == byte else { return false }
                index += 1
            }
            return true
        }

        private func isLetter(_ byte: UInt8) -> Bool {
            (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        }

        private func isSpace(_ byte: UInt8) -> Bool {
            byte == 0x20 || (0x09...0x0D).contains(byte)
        }
    }
}
