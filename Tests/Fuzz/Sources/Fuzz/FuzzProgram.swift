import CLibFuzzer

/// `fuzz DECODER [libFuzzer's options] FOLDER…`; `fuzz --list` names the decoders.
@main
enum FuzzProgram {
    static func main() {
        let words = CommandLine.arguments
        if words.count == 2, words[1] == "--list" {
            print(Decoder.allCases.map(\.rawValue).joined(separator: "\n"))
            return
        }
        guard words.count > 1, let decoder = Decoder(rawValue: words[1]) else {
            print("usage: fuzz DECODER [libFuzzer's options] FOLDER…; DECODER is one of \(Decoder.allCases.map(\.rawValue).joined(separator: ", "))")
            return exit(code: 2)
        }
        chosen = decoder
        var arguments: [UnsafeMutablePointer<CChar>?] = ([words[0]] + words[2...]).map { copy(of: $0) } + [nil]
        let code = arguments.withUnsafeMutableBufferPointer { buffer in
            var count = CInt(buffer.count - 1)
            var start = buffer.baseAddress
            return LLVMFuzzerRunDriver(&count, &start) { tryOneInput($0, $1) }
        }
        exit(code: code)
    }

    /// Set once, before libFuzzer starts; it calls on this one thread.
    nonisolated(unsafe) fileprivate static var chosen = Decoder.envelope

    private static func copy(of text: String) -> UnsafeMutablePointer<CChar> {
        let bytes = Array(text.utf8CString)
        let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
        copy.initialize(from: bytes, count: bytes.count)
        return copy
    }
}

/// What libFuzzer calls; some linkers insist that it has libFuzzer's own name.
@_cdecl("LLVMFuzzerTestOneInput")
func tryOneInput(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    FuzzProgram.chosen.run(Array(UnsafeBufferPointer(start: data, count: size)))
    return 0
}
