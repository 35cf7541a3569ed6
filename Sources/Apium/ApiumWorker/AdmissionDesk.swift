import ApiumCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Which claimed jobs have to ask before they run, and what: under limits and pauses as they were last read. Nothing is asked for jobs that
/// none of them concerns.
struct AdmissionDesk: Sendable {
    var holds: HoldState
    var registry: JobRegistry
    var content: AcceptedContent

    /// A job that asks, and how it goes on when it is admitted.
    struct Question: Sendable {
        var admission: Admission
        var delivery: Delivery
        var message: Message
    }

    /// What a job has to ask; `nil`: it runs, or is no message, which its run finds. A message is read here only if there are limits, or if
    /// it names a lock or a limit itself.
    func question(_ delivery: Delivery, isRevoked: (Message) -> Bool) -> Question? {
        guard !holds.isEmpty || delivery.payload.contains(oneOf: Message.headersOfHolds) else { return nil }
        guard let message = try? Message(decoding: delivery.payload, accepting: content) else { return nil }
        return question(delivery, message, isRevoked: isRevoked)
    }

    /// What a job has to ask; `nil`: it runs.
    func question(_ delivery: Delivery, _ message: Message, isRevoked: (Message) -> Bool) -> Question? {
        if holds.isEmpty && message.headers.custom.isEmpty { return nil }
        var targets = holds.targets(queue: delivery.queue, task: message.task) { key(of: message) }
        // What was let go has been given permits, which are to be taken up even by a job that is revoked.
        let waited = message.waitedFor
        for target in waited where !targets.contains(target) { targets.append(target) }
        let lock = message.uniqueLock
        if let lock, lock.scope == .running, !targets.contains(.run(lock.key)) { targets.append(.run(lock.key)) }
        guard !targets.isEmpty || lock?.scope == .queued else { return nil }
        // A message that resumes joins or tells errbacks runs no job.
        guard message.joining.isEmpty, message.lostJob == nil, !waited.isEmpty || !isRevoked(message) else { return nil }
        let kept = message.waiting(for: targets, fence: delivery.fence)
        var delivery = delivery
        delivery.isAdmitted = true
        var message = message
        message.waitedFor = []
        let admission = Admission(
            delivery.tag, id: message.id, targets: targets, isReturning: !waited.isEmpty || message.properties.redelivered, payload: kept.encoded(),
            lock: lock?.scope == .queued ? lock : nil)
        return Question(admission: admission, delivery: delivery, message: message)
    }

    /// As its sender gave it; for senders of other kinds the job's type works it out.
    private func key(of message: Message) -> LimitKey? {
        if let key = message.limitKey { return key }
        guard let key = registry[message.task]?.limitKey, let arguments = try? message.arguments(accepting: content) else { return nil }
        return key(arguments)
    }
}

extension [UInt8] {
    /// Whether one of these names of headers, `apium_…`, stands in the bytes. Underscores are few in a message.
    fileprivate func contains(oneOf names: [StaticString]) -> Bool {
        let underscore = 5
        return withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress else { return false }
            var at = 0
            while at < bytes.count, let found = memchr(base + at, Int32(UInt8(ascii: "_")), bytes.count - at) {
                let place = found - UnsafeMutableRawPointer(mutating: base)
                at = place + 1
                let start = place - underscore
                guard start >= 0 else { continue }
                for name in names where start + name.utf8CodeUnitCount <= bytes.count && memcmp(base + start, name.utf8Start, name.utf8CodeUnitCount) == 0 {
                    return true
                }
            }
            return false
        }
    }
}
