import ApiumCore

/// How a child process ended.
enum ChildEnd: Sendable, Hashable, CustomStringConvertible {
    /// By itself, with this code.
    case exited(Int32)
    /// By this signal.
    case signalled(Int32)
    /// Somebody else took the status: code that waits for any child of the process.
    case unknown

    /// As Celery's pool words it.
    var description: String {
        switch self {
        case .exited(let code): "exitcode \(code)"
        case .signalled(let signal): "signal \(signal) (\(Self.name(of: signal)))"
        case .unknown: "status unknown"
        }
    }

    /// The failure of the job that was run there.
    func failure(ofRun number: UInt64) -> JobFailure {
        JobFailure(type: "WorkerLostError", arguments: [.string("Worker exited prematurely: \(self) Job: \(number).")], module: "billiard.exceptions")
    }

    /// Linux' names of the standard signals, from 1.
    private static let names = [
        "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE", "SIGKILL", "SIGUSR1", "SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM",
        "SIGTERM", "SIGSTKFLT", "SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGXCPU", "SIGXFSZ", "SIGVTALRM", "SIGPROF",
        "SIGWINCH", "SIGIO", "SIGPWR", "SIGSYS",
    ]

    /// The number of a signal, named with or without `SIG`.
    static func signal(named name: String) -> Int32? {
        let name = name.uppercased()
        return names.firstIndex(of: name.hasPrefix("SIG") ? name : "SIG\(name)").map { Int32($0 + 1) }
    }

    private static func name(of signal: Int32) -> String {
        names.indices.contains(Int(signal) - 1) ? names[Int(signal) - 1] : "SIG\(signal)"
    }
}
