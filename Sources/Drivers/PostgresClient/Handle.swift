import CPostgres

/// A connection of libpq.
///
/// `@unchecked Sendable`: a handle has one owner at a time. The dialling thread makes it and gives it away with the
/// `dialled` command; from then on the I/O thread alone calls libpq with it, until it gives it to `close` and forgets it.
struct Handle: @unchecked Sendable {
    let pointer: OpaquePointer

    /// Begins to connect. Blocks while libpq reads its files and resolves the host's name: never on the I/O thread.
    static func dial(_ parameters: [String: String]) -> Handle? {
        let pairs = parameters.sorted { $0.key < $1.key }
        let pointer = withCStrings(pairs.map(\.key)) { keywords in
            withCStrings(pairs.map(\.value)) { values in PQconnectStartParams(keywords, values, 0) }
        }
        guard let pointer else { return nil }
        PQsetNoticeProcessor(pointer, { _, _ in }, nil)  // the default prints to stderr
        return Handle(pointer: pointer)
    }

    /// Cancels what runs, when asked, and closes, on a thread of its own, because both may block.
    func close(cancelling: Bool) {
        let ended = NamedThread.start("pg-close") {
            if cancelling, let cancel = PQgetCancel(pointer) {
                var complaint = [CChar](repeating: 0, count: 256)
                PQcancel(cancel, &complaint, Int32(complaint.count))
                PQfreeCancel(cancel)
            }
            PQfinish(pointer)
        }
        if !ended { PQfinish(pointer) }
    }

    /// libpq's last complaint on one line: host, port and the server's reason, no password.
    var complaint: String {
        guard let text = PQerrorMessage(pointer) else { return "no reason given" }
        let lines = String(cString: text).split(separator: "\n").map { $0.drop { $0 == " " || $0 == "\t" } }
        return lines.joined(separator: " ")
    }

    private static func withCStrings<Result>(_ strings: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> Result) -> Result {
        var bytes: [CChar] = []
        var offsets: [Int] = []
        for string in strings {
            offsets.append(bytes.count)
            bytes += string.utf8CString
        }
        return bytes.withUnsafeBufferPointer { buffer in
            let pointers = offsets.map { buffer.baseAddress?.advanced(by: $0) } + [nil]
            return pointers.withUnsafeBufferPointer { body($0.baseAddress) }
        }
    }
}
