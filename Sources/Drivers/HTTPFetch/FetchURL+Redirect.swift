/// Where a `Location` leads, by RFC 3986 section 5.
extension FetchURL {
    /// Resolves a reference (a `Location` header, an `href`) against this address.
    /// - Throws: ``FetchError`` as the initializer does: a redirect is read as strictly as a link.
    public func redirected(to location: String) throws(FetchError) -> FetchURL {
        let reference = Self.withoutSpaces(location)
        if Self.hasScheme(reference) { return try FetchURL(reference) }
        if reference.hasPrefix("//") { return try FetchURL(scheme + ":" + reference) }
        if reference.hasPrefix("/") { return try FetchURL(origin + Self.withoutDots(reference)) }
        if reference.isEmpty || reference.hasPrefix("#") { return self }
        let path = target.prefix { $0 != "?" }
        if reference.hasPrefix("?") { return try FetchURL(origin + path + reference) }
        let folder = path[...(path.lastIndex(of: "/") ?? path.startIndex)]
        return try FetchURL(origin + Self.withoutDots(folder + reference))
    }

    /// Servers send spaces in `Location`; they mean `%20`.
    private static func withoutSpaces(_ text: String) -> String {
        var trimmed = text[...]
        while trimmed.first == " " || trimmed.first == "\t" { trimmed.removeFirst() }
        while trimmed.last == " " || trimmed.last == "\t" { trimmed.removeLast() }
        return trimmed.split(separator: " ", omittingEmptySubsequences: false).joined(separator: "%20")
    }

    private static func hasScheme(_ text: String) -> Bool {
        guard let colon = text.firstIndex(of: ":"), let first = text.first, first.isASCII, first.isLetter else { return false }
        return text[..<colon].allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "+" || $0 == "-" || $0 == ".") }
    }

    /// Removes `.` and `..` segments of the path; the query stays as it is.
    private static func withoutDots(_ text: String) -> String {
        let end = text.firstIndex { $0 == "?" || $0 == "#" } ?? text.endIndex
        var kept: [Substring] = []
        let segments = text[..<end].split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        for (index, segment) in segments.enumerated() {
            let isLast = index == segments.count - 1
            switch segment {
            case ".": if isLast { kept.append("") }
            case "..":
                if !kept.isEmpty { kept.removeLast() }
                if isLast { kept.append("") }
            default: kept.append(segment)
            }
        }
        return "/" + kept.joined(separator: "/") + text[end...]
    }
}
