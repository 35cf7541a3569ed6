import Foundation

/// Reads the host of an address: a numeric literal in its one plain spelling, or a name, international ones as punycode.
enum FetchURLHost {
    static func read(_ text: Substring) throws(FetchError) -> (host: String, literal: IPAddress?) {
        if text.hasPrefix("[") { return try readIPv6(text.dropFirst().dropLast()) }
        var name = text.lowercased()
        if name.hasSuffix(".") { name.removeLast() }
        guard !name.isEmpty else { throw FetchError(.badURL, "the address has no host") }
        let labels = try name.split(separator: ".", omittingEmptySubsequences: false).map { (label) throws(FetchError) in try asciiLabel(label) }
        let host = labels.joined(separator: ".")
        guard host.utf8.count <= 253 else { throw FetchError(.badURL, "the host's name is longer than 253 bytes") }
        if looksNumeric(labels) {
            guard let literal = IPAddress(host), case .v4 = literal.value else {
                throw FetchError(.refusedAddress, "the host is a number that is not four decimal octets")
            }
            return (literal.description, literal)
        }
        return (host, nil)
    }

    private static func readIPv6(_ text: Substring) throws(FetchError) -> (host: String, literal: IPAddress?) {
        guard text.contains(":"), let literal = IPAddress(String(text)) else {
            throw FetchError(.badURL, "the brackets hold no IPv6 address")
        }
        return (literal.description, literal)
    }

    /// Resolvers read a host whose last label is a number as an address in one of many spellings (`2130706433`, `0x7f.1`).
    private static func looksNumeric(_ labels: [String]) -> Bool {
        guard let last = labels.last else { return false }
        if last.utf8.allSatisfy({ (0x30...0x39).contains($0) }) { return true }
        return last.hasPrefix("0x") && last.dropFirst(2).allSatisfy(\.isHexDigit)
    }

    private static func asciiLabel(_ label: Substring) throws(FetchError) -> String {
        guard !label.isEmpty else { throw FetchError(.badURL, "the host's name has an empty label") }
        let normal = String(label).precomposedStringWithCanonicalMapping
        let isASCII = normal.utf8.allSatisfy { $0 < 0x80 }
        for scalar in normal.unicodeScalars {
            guard isAllowed(scalar) else { throw FetchError(.badURL, "the host's name has a character that no name has") }
        }
        let ascii = isASCII ? normal : Punycode.encode(normal).map { "xn--" + $0 }
        guard let ascii, ascii.utf8.count <= 63 else { throw FetchError(.badURL, "a label of the host's name is longer than 63 bytes") }
        return ascii
    }

    /// Letters, digits, hyphen and (met in practice) underscore; beyond ASCII letters and marks only, so that circled or
    /// full-width digits and dots can't be mapped to an address behind our back.
    private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "a"..."z", "0"..."9", "-", "_": return true
        default: break
        }
        guard scalar.value >= 0x80, !(0xFF00...0xFFEF).contains(scalar.value) else { return false }
        switch scalar.properties.generalCategory {
        case .lowercaseLetter, .uppercaseLetter, .titlecaseLetter, .otherLetter, .modifierLetter, .nonspacingMark, .spacingMark: return true
        default: return false
        }
    }
}

/// The encoding of international labels (RFC 3492).
enum Punycode {
    static func encode(_ label: String) -> String? {
        let scalars = label.unicodeScalars.map(\.value)
        var output = scalars.filter { $0 < 0x80 }.map { UInt8($0) }
        let basic = output.count
        if basic > 0 { output.append(0x2D) }
        var next: UInt32 = 128
        var delta: UInt32 = 0
        var bias: UInt32 = 72
        var handled = basic
        while handled < scalars.count {
            guard let smallest = scalars.filter({ $0 >= next }).min() else { return nil }
            let (step, overflow) = (smallest - next).multipliedReportingOverflow(by: UInt32(handled + 1))
            guard !overflow, delta <= UInt32.max - step else { return nil }
            delta += step
            next = smallest
            for scalar in scalars {
                if scalar < next { delta += 1 }
                guard scalar == next else { continue }
                appendNumber(delta, bias: bias, to: &output)
                bias = adapt(delta, count: UInt32(handled + 1), isFirst: handled == basic)
                delta = 0
                handled += 1
            }
            delta += 1
            next += 1
        }
        return String(decoding: output, as: UTF8.self)
    }

    private static func appendNumber(_ number: UInt32, bias: UInt32, to output: inout [UInt8]) {
        var rest = number
        var position: UInt32 = 36
        while true {
            let threshold = position <= bias ? 1 : (position >= bias + 26 ? 26 : position - bias)
            if rest < threshold { break }
            output.append(digit(threshold + (rest - threshold) % (36 - threshold)))
            rest = (rest - threshold) / (36 - threshold)
            position += 36
        }
        output.append(digit(rest))
    }

    private static func digit(_ value: UInt32) -> UInt8 {
        value < 26 ? UInt8(value) + 0x61 : UInt8(value) - 26 + 0x30
    }

    private static func adapt(_ delta: UInt32, count: UInt32, isFirst: Bool) -> UInt32 {
        var rest = isFirst ? delta / 700 : delta / 2
        rest += rest / count
        var steps: UInt32 = 0
        while rest > 455 {
            rest /= 35
            steps += 36
        }
        return steps + 36 * rest / (rest + 38)
    }
}
