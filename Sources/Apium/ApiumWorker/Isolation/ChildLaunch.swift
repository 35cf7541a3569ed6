import CLinux
import Glibc

/// A child process that was just started: its id, and this side of its channel.
struct LaunchedChild {
    let pid: pid_t
    let channel: Int32
}

/// Starts this executable again, as a child.
enum ChildLaunch {
    /// What keeps a start from happening.
    struct Failure: Error, CustomStringConvertible {
        let step: String
        let code: Int32

        var description: String { "\(step): \(String(cString: strerror(code)))" }
    }

    /// Starts the child. Takes as long as the kernel needs to load a program: call it on a thread of one's own. The child dies with the thread.
    static func start() throws(Failure) -> LaunchedChild {
        var pair: [Int32] = [-1, -1]
        guard clinux_socket_pair(&pair) == 0 else { throw Failure(step: "no channel could be made", code: errno) }
        defer { close(pair[1]) }
        var pid: pid_t = 0
        let failed = withCStrings(CommandLine.arguments) { arguments in
            withCStrings(environment()) { environment in clinux_spawn(&pid, "/proc/self/exe", arguments, environment, pair[1]) }
        }
        guard failed == 0 else {
            close(pair[0])
            throw Failure(step: "the executable could not be started", code: failed)
        }
        return LaunchedChild(pid: pid, channel: pair[0])
    }

    /// This process' environment and the mark of a child. A crash of a child is reported by its worker in one line; whoever wants Swift's
    /// backtrace, a hundred lines and most of a second, sets SWIFT_BACKTRACE.
    private static func environment() -> [String] {
        var entries: [String] = []
        var next = clinux_environment()
        while let entry = next?.pointee {
            entries.append(String(cString: entry))
            next = next?.advanced(by: 1)
        }
        entries.removeAll { $0.hasPrefix("\(ChildMode.variable)=") }
        if !entries.contains(where: { $0.hasPrefix("SWIFT_BACKTRACE=") }) { entries.append("SWIFT_BACKTRACE=enable=no") }
        return entries + ["\(ChildMode.variable)=3"]
    }

    private static func withCStrings<Result>(_ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result) -> Result {
        let copies = strings.map { strdup($0) } + [nil]
        defer { for copy in copies { free(copy) } }
        return copies.withUnsafeBufferPointer { buffer in
            // The array has at least its closing null, so there is a base address; without one nothing could be started either.
            guard let base = buffer.baseAddress else { return withUnsafePointer(to: nil) { body($0) } }
            return body(base)
        }
    }
}
