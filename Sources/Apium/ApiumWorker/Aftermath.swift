import ApiumCore
import DynamicJSON

/// Everything that follows from how a job ended: a value that is worked out without I/O, and then carried out by
/// ``JobEnding`` in this order: errbacks are called, chords are opened, and the rest goes out in one completion.
struct Aftermath: Sendable {
    /// What becomes of the message.
    var disposition: Completion.Disposition = .done
    /// Documents to store: the job's own, and those of what can't run any more.
    var results: [ResultDocument] = []
    /// Parts of chords.
    var parts: [ChordPart] = []
    /// Chords to open and messages to send.
    var plan = DispatchPlan()
    /// Errbacks to call in place.
    var errbacks: [InlineErrback] = []
    /// What could not be planned: for the log.
    var faults: [String] = []

    /// Whether one completion is all there is to do.
    var isPlain: Bool { parts.isEmpty && plan.chords.isEmpty && errbacks.isEmpty && faults.isEmpty }

    /// Takes what a plan sends.
    mutating func send(_ more: DispatchPlan) {
        plan.chords += more.chords
        plan.messages += more.messages
    }

    /// Takes what follows from something else that ended with it; its disposition is not of account.
    mutating func add(_ other: Aftermath) {
        results += other.results
        parts += other.parts
        send(other.plan)
        errbacks += other.errbacks
        faults += other.faults
    }
}

/// An errback that is called in the worker.
struct InlineErrback: Sendable {
    /// Whose it is.
    var signature: Signature
    /// What it is told.
    var call: ErrbackCall
}
