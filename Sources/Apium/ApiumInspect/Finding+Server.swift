import ApiumCore

extension Inspector {
    /// What is to be said of a server that says this of itself. What it does not say is not judged.
    public static func judge(_ facts: ServerFacts) -> [Finding] {
        serverFindings(facts) + memoryFindings(facts) + durabilityFindings(facts)
    }

    private static func serverFindings(_ facts: ServerFacts) -> [Finding] {
        var findings: [Finding] = []
        if let refusal = facts.refusal {
            findings.append(
                Finding(.error, "server-version", refusal, meaning: "Workers refuse to start there. Use Redis 6.2 or later, or Valkey, without cluster mode."))
        }
        if facts.isReplica {
            findings.append(
                Finding(
                    .error, "server-replica", "the server is a replica",
                    meaning: "Nothing can be enqueued or claimed there. Name the primary, or sentinels, in broker_url."))
        }
        if let layout = facts.layout, layout > facts.knownLayout {
            findings.append(
                Finding(
                    .error, "layout-version", "the keys on the server have layout \(layout); this release knows \(facts.knownLayout)",
                    meaning: "Workers of this release refuse to start, and what is said here may be wrong. Use the newer release."))
        }
        return findings
    }

    private static func memoryFindings(_ facts: ServerFacts) -> [Finding] {
        var findings: [Finding] = []
        let isBound = (facts.memoryLimit ?? 0) > 0
        if let policy = facts.evictionPolicy, policy != "noeviction" {
            findings.append(
                Finding(
                    isBound ? .error : .warning, "eviction-policy", "maxmemory-policy is \(policy)",
                    meaning: "When memory is full the server deletes jobs and results without a word. Set it to noeviction: then senders are told."))
        }
        if let used = facts.usedMemory, let limit = facts.memoryLimit, isBound, used > limit / 10 * 9 {
            findings.append(
                Finding(
                    .error, "memory-full", "\(used >> 20) of \(limit >> 20) MiB are in use",
                    meaning: "Soon nothing can be enqueued. Give the server more, or find out what grows: `apium queues`."))
        }
        return findings
    }

    private static func durabilityFindings(_ facts: ServerFacts) -> [Finding] {
        var findings: [Finding] = []
        if facts.isAppendOnly == false {
            let snapshots = facts.snapshots ?? ""
            findings.append(
                snapshots.isEmpty
                    ? Finding(
                        .warning, "no-persistence", "the server writes nothing to disk (appendonly no, save \"\")",
                        meaning: "A restart loses all jobs. Set appendonly yes.")
                    : Finding(
                        .notice, "snapshots-only", "the server takes snapshots only (save \(snapshots))",
                        meaning: "A crash loses the jobs since the last one. Set appendonly yes."))
        }
        if let failure = facts.persistenceFailure {
            findings.append(
                Finding(.error, "persistence-failed", failure, meaning: "By default the server then refuses writes. Look at its log: is the disk full?"))
        }
        for replica in facts.replicas where !replica.isOnline || replica.behind > 10 << 20 {
            findings.append(
                Finding(
                    .warning, "replica-lag", "replica \(replica.address) is \(replica.isOnline ? "\(replica.behind >> 20) MiB behind" : "not online")",
                    meaning: "Should it take over now, the jobs in between are lost."))
        }
        return findings
    }

    /// What is to be said of a fault of the keys.
    static func finding(_ fault: KeyFault) -> Finding {
        switch fault {
        case .unownedFlight(let incarnation, let messages):
            Finding(
                .error, "flight-unowned", "\(messages) messages belong to process \(incarnation), which nobody knows",
                meaning: "They would never be returned. Keys were deleted by hand, or restored from an old snapshot.", repair: .fault(fault))
        case .unregisteredBatch(let incarnation, let batch, let messages):
            Finding(
                .error, "batch-unregistered", "\(messages) messages lie in batch \(batch) of process \(incarnation), which does not know of it",
                meaning: "They would never be returned. Keys were deleted by hand, or restored from an old snapshot.", repair: .fault(fault))
        case .strayMarks(let key):
            Finding(
                .warning, "marks-stray", "\(key) belongs to a batch that is gone", meaning: "It holds no job, and would stay for ever.", repair: .fault(fault))
        case .strayWorkerRecord(let incarnation):
            Finding(
                .warning, "worker-record-stray", "process \(incarnation) has a record, and is not registered", meaning: "It would stay for ever.",
                repair: .fault(fault))
        case .idsWithoutMessage(let set, let count):
            Finding(
                .warning, "ids-without-message", "\(set) names \(count) messages that are not there", meaning: "The messages are lost.", repair: .fault(fault))
        case .messagesWithoutID(let set, let count):
            Finding(
                .error, "messages-without-id", "\(count) messages beside \(set) are named by nothing",
                meaning: "Nobody would find them, and their jobs would never run.", repair: .fault(fault))
        case .endless(let key): Finding(.warning, "key-endless", "\(key) has no time to live", meaning: "It should end by itself, and stays for ever.")
        case .unknown(let key):
            Finding(
                .notice, "key-unknown", "\(key) is no key that this release knows", meaning: "A newer release made it, or somebody by hand.")
        case .overdueUnacked(let count, let oldest):
            Finding(
                .warning, "unacked-overdue", "\(count) deliveries of Celery's workers are past the visibility timeout, the oldest since \(oldest.iso8601)",
                meaning: "Their workers are gone, and nobody puts them back: no live worker restores them, or their queues are not known.", repair: .duties)
        }
    }
}
