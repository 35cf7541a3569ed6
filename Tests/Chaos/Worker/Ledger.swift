import ApiumCore
import Glibc

/// What jobs do to the world: a line in a file that all workers append to, in the order in which it happened.
///
/// `write` on a file opened with O_APPEND puts a line behind all others in one step, so the file's order is the order of the effects, and
/// what was written stays when its process is killed. It goes to the page cache: the call doesn't wait for a disk.
struct Ledger: Sendable {
    /// What a job writes.
    enum Event: String {
        /// A run begins.
        case begun = "b"
        /// The job's effect: the last thing before its end.
        case effect = "e"
        /// The run ends with a retry.
        case retried = "r"
    }

    private let descriptor: Int32

    /// Opens the file.
    init(path: String) throws {
        descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw ApiumError(.invalidConfiguration, "the ledger \(path) cannot be opened: errno \(errno)") }
    }

    /// Appends a line: event, nanoseconds of the machine's monotonic clock, worker, key, id, retries, token.
    func write(_ event: Event, _ key: String, _ context: JobContext) throws {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        let worker = context.worker.prefix { $0 != "@" }
        var line = "\(event.rawValue) \(now.tv_sec * 1_000_000_000 + now.tv_nsec) \(worker) \(key) \(context.id) \(context.retries) \(context.fence)\n"
        let written = line.withUTF8 { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        guard written == line.utf8.count else { throw ApiumError(.notAvailable, "the ledger took \(written) bytes: errno \(errno)") }
    }
}
