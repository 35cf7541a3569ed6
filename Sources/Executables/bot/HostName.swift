import Glibc

/// This machine's name, for the worker's node name.
enum HostName {
    static var current: String {
        var bytes = [UInt8](repeating: 0, count: 256)
        let isKnown = bytes.withUnsafeMutableBytes { buffer in
            guard let start = buffer.bindMemory(to: CChar.self).baseAddress else { return false }
            return gethostname(start, buffer.count - 1) == 0
        }
        guard isKnown else { return "localhost" }
        return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
}
