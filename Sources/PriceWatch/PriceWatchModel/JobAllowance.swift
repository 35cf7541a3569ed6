/// What a token may enqueue over HTTP: an allow list of jobs and one of queues. What is on neither is refused.
public struct JobAllowance: Sendable, Hashable {
    /// The jobs, by name or pattern. Empty: none.
    public var jobs: Set<JobNamePattern>
    /// The queues that may be named in place of a job's own. Empty: jobs go to their own queues only.
    public var queues: Set<QueueName>

    /// Makes a list; both are empty unless said.
    public init(jobs: Set<JobNamePattern> = [], queues: Set<QueueName> = []) {
        self.jobs = jobs
        self.queues = queues
    }

    /// Nothing: what a new token may enqueue until somebody says more.
    public static let nothing = JobAllowance()

    /// Whether a job of this name may be enqueued.
    public func admits(job name: String) -> Bool { jobs.contains { $0.matches(name) } }

    /// Whether this queue may be named.
    public func admits(queue name: String) -> Bool { queues.contains { $0.text == name } }
}

/// A job's name, or a pattern of names: `*` stands for any characters, also none, also dots. All else, and case, is literal.
///
/// The engine's own tasks (`celery.map`, `celery.chord` …) run whatever their arguments name, so only a pattern that itself begins with
/// `celery.` matches them: `*` does not.
public struct JobNamePattern: Sendable, Hashable, Comparable {
    /// As it is written.
    public let text: String

    /// The prefix of the tasks that every worker brings.
    private static let builtin = "celery."

    /// Reads a pattern; `nil` when it is none: 1 to 128 of letters, digits and `_ . : - *` of ASCII, the first a letter, a digit or `*`.
    public init?(_ text: String) {
        guard (1...128).contains(text.utf8.count), let first = text.utf8.first, first.isAlphanumeric || first == UInt8(ascii: "*"),
            text.utf8.allSatisfy({ $0.isAlphanumeric || "_.:-*".utf8.contains($0) })
        else { return nil }
        self.text = text
    }

    /// Whether a name is one of those meant.
    public func matches(_ name: String) -> Bool {
        if name.hasPrefix(Self.builtin), !text.hasPrefix(Self.builtin) { return false }
        return Self.matches(Array(text.utf8), Array(name.utf8))
    }

    public static func < (left: JobNamePattern, right: JobNamePattern) -> Bool { left.text < right.text }

    /// Goes back to the last `*` alone when what follows it does not fit: no worse than pattern times name.
    private static func matches(_ pattern: [UInt8], _ name: [UInt8]) -> Bool {
        var (p, n) = (0, 0)
        var retry: (pattern: Int, name: Int)?
        while n < name.count {
            if p < pattern.count, pattern[p] == UInt8(ascii: "*") {
                retry = (p + 1, n)
                p += 1
            } else if p < pattern.count, pattern[p] == name[n] {
                p += 1
                n += 1
            } else if let last = retry {
                retry = (last.pattern, last.name + 1)
                (p, n) = (last.pattern, last.name + 1)
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}

/// The name of a queue that a token may name. No colon is in it, so that it is never the key of something else on the broker.
public struct QueueName: Sendable, Hashable, Comparable {
    /// As it is written.
    public let text: String

    /// Reads a name; `nil` when it is none: 1 to 100 of letters, digits and `_ . -` of ASCII, the first a letter or digit.
    public init?(_ text: String) {
        guard (1...100).contains(text.utf8.count), text.utf8.first?.isAlphanumeric == true,
            text.utf8.allSatisfy({ $0.isAlphanumeric || "_.-".utf8.contains($0) })
        else { return nil }
        self.text = text
    }

    public static func < (left: QueueName, right: QueueName) -> Bool { left.text < right.text }
}

extension UInt8 {
    fileprivate var isAlphanumeric: Bool {
        (0x30...0x39).contains(self) || (0x41...0x5A).contains(self) || (0x61...0x7A).contains(self)
    }
}
