import DynamicJSON

/// What is told of a job whose worker was lost, when it does not run again: the same for every broker.
///
/// The job ends as FAILURE with billiard's `WorkerLostError`, as Celery stores it, and so do the rest of its chain and the parts that
/// all of them are in chords, which would wait for them without end. Its errbacks are told by whoever claims ``errbacks``.
public struct JobLoss: Sendable, Hashable {
    /// The documents to store, the job's own first; none when its result is ignored.
    public var results: [ResultDocument]
    /// The parts to bring. Their tokens are the same whenever they are brought, so that whoever repeats a cut step gets the same claims.
    public var parts: [ChordPart]
    /// The message to put in front of the job's queue when it has errbacks, in the step that ends the job; see ``LostJob``.
    public var errbacks: Message?
}

extension Message {
    /// What is told of the loss of this job. A body that can't be read says nothing of a chain, a chord or errbacks; a message that only
    /// tells errbacks has nothing to lose.
    ///
    /// - Parameter content: in which serialisations the body is read, as workers read it. Default: JSON alone.
    public func loss(_ reason: String, at now: Timestamp, accepting content: AcceptedContent = .json) -> JobLoss {
        guard lostJob == nil else { return JobLoss(results: [], parts: []) }
        let lost = LostJob(id: id, name: task, parentID: headers.parentID, reason: reason)
        let failure = lost.failure.value
        let embed = (try? arguments(accepting: content))?.embed
        let unreached = UnreachedJob.after(chain: embed?.chain ?? [])
        var parts: [ChordPart] = []
        if let group = headers.group, let chord = embed?.chord, !chord.isNull {
            parts.append(ChordPart(group: group, id: id, index: headers.groupIndex, state: .failure, result: failure))
        }
        parts += unreached.compactMap { $0.part(.failure, failure) }
        for place in parts.indices { parts[place].token = "lost:\(parts[place].id)" }
        var loss = JobLoss(results: [], parts: parts, errbacks: tellingErrbacks(of: lost, embed))
        guard headers.ignoreResult != true else { return loss }
        let own = ResultDocument(
            id: id, state: .failure, result: failure, dateDone: now, children: [], groupID: headers.group, parentID: headers.parentID)
        loss.results = [own] + unreached.map { $0.document(.failure, failure, at: now) }
        return loss
    }
}
