import Foundation

/// One zone of the system's tz database: the compiled file's transitions and, beyond its last one, its rule.
///
/// The format is RFC 8536 (TZif): version 2 and later repeat the data with 64-bit times after a first block with 32-bit ones, and end in
/// a POSIX TZ string for later instants.
struct ZoneInfo: Sendable {
    /// Instants, in seconds since 1970, at which the offset may change; in order.
    let transitions: [Int]
    /// Seconds east of UTC from each transition on.
    let offsets: [Int]
    /// The offset before the first transition.
    let first: Int
    /// What holds from the last transition on; `nil`: the last offset.
    let rule: ZoneRule?

    /// Universal time.
    static let utc = ZoneInfo(transitions: [], offsets: [], first: 0, rule: nil)

    /// Reads a zone by its IANA name from `$TZDIR`, else `/usr/share/zoneinfo`; `nil` when there is no such file or it is no TZif.
    static func load(_ name: String) -> ZoneInfo? {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        let allowed = name.utf8.allSatisfy { byte in
            (0x61...0x7A).contains(byte | 0x20) || (0x30...0x39).contains(byte) || "_+-/".utf8.contains(byte)
        }
        // A name is never a way out of the folder: dots are no part of zones' names.
        guard allowed, parts.allSatisfy({ !$0.isEmpty }) else { return nil }
        let folder = ProcessInfo.processInfo.environment["TZDIR"] ?? "/usr/share/zoneinfo"
        guard let data = FileManager.default.contents(atPath: "\(folder)/\(name)") else { return nil }
        return read([UInt8](data))
    }

    /// Reads the bytes of a TZif file; `nil` when they are none.
    static func read(_ bytes: [UInt8]) -> ZoneInfo? {
        var reader = ZoneReader(bytes: bytes)
        return reader.zone()
    }

    /// Whether an offset may be one: RFC 8536 allows less than 25 hours west, less than 26 hours east.
    static func isOffset(_ seconds: Int) -> Bool { (-89_999...93_599).contains(seconds) }

    /// Seconds east of UTC at an instant in seconds since 1970.
    func offset(at second: Int) -> Int {
        guard let last = transitions.last, second >= transitions[0] else { return transitions.isEmpty ? rule?.offset(at: second) ?? first : first }
        if second >= last { return rule?.offset(at: second) ?? offsets[offsets.count - 1] }
        // The last transition at or before the instant.
        var low = 0
        var high = transitions.count - 1
        while high - low > 1 {
            let middle = (low + high) / 2
            if transitions[middle] <= second { low = middle } else { high = middle }
        }
        return offsets[low]
    }
}

/// Walks over a TZif file; every length is checked before it is believed.
private struct ZoneReader {
    let bytes: [UInt8]
    var position = 0

    /// The counts of a block's header.
    private struct Header {
        var version: UInt8
        var isUTC: Int
        var isStandard: Int
        var leaps: Int
        var times: Int
        var types: Int
        var characters: Int

        func length(width: Int) -> Int { times * (width + 1) + types * 6 + characters + leaps * (width + 4) + isStandard + isUTC }
    }

    init(bytes: [UInt8]) { self.bytes = bytes }

    mutating func zone() -> ZoneInfo? {
        guard let first = header() else { return nil }
        if first.version == 0 { return block(first, width: 4, rule: nil) }
        position += first.length(width: 4)
        guard let second = header(), position + second.length(width: 8) <= bytes.count else { return nil }
        let footer = bytes[(position + second.length(width: 8))...].split(separator: UInt8(ascii: "\n")).first
        return block(second, width: 8, rule: footer.flatMap { ZoneRule(String(decoding: $0, as: UTF8.self)) })
    }

    private mutating func header() -> Header? {
        guard position + 44 <= bytes.count, bytes[position..<position + 4].elementsEqual("TZif".utf8) else { return nil }
        let version = bytes[position + 4]
        let start = position + 20
        let counts = (0..<6).map { number(at: start + $0 * 4, width: 4) }
        position += 44
        guard counts.allSatisfy({ $0 >= 0 && $0 < 1_000_000 }) else { return nil }
        return Header(
            version: version, isUTC: counts[0], isStandard: counts[1], leaps: counts[2], times: counts[3], types: counts[4], characters: counts[5])
    }

    private func block(_ header: Header, width: Int, rule: ZoneRule?) -> ZoneInfo? {
        guard header.types > 0, position + header.length(width: width) <= bytes.count else { return nil }
        let indices = position + header.times * width
        let types = indices + header.times
        let offsets = (0..<header.types).map { number(at: types + $0 * 6, width: 4) }
        let chosen = (0..<header.times).map { Int(bytes[indices + $0]) }
        guard chosen.allSatisfy({ $0 < offsets.count }), offsets.allSatisfy(ZoneInfo.isOffset) else { return nil }
        let transitions = (0..<header.times).map { number(at: position + $0 * width, width: width) }
        guard zip(transitions, transitions.dropFirst()).allSatisfy(<) else { return nil }
        return ZoneInfo(transitions: transitions, offsets: chosen.map { offsets[$0] }, first: offsets[0], rule: rule)
    }

    /// A signed big-endian number.
    private func number(at start: Int, width: Int) -> Int {
        let value = bytes[start..<start + width].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return width == 4 ? Int(Int32(truncatingIfNeeded: value)) : Int(Int64(bitPattern: value))
    }
}
