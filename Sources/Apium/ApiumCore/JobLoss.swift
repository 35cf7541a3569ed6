import DynamicJSON

/// What is told of a job whose worker was lost, when it does not run again: the same for every broker.
///
/// The job ends as FAILURE with billiard's `WorkerLostError`, as Celery stores it, and so do the rest of its chain and the parts that
/// all of them are in chords, which would wait for them without end. Errbacks are not called: there is no worker to call them.
public struct JobLoss: Sendable, Hashable {
    /// The documents to store, the job's own first; none when its result is ignored.
    public var results: [ResultDocument]
    /// The parts to bring. Their tokens are the same whenever they are brought, so that whoever repeats a cut step gets the same claims.
    public var parts: [ChordPart]
}

extension Message {
    /// What is told of the loss of this job. A body that can't be read says nothing of a chain or a chord.
    public func loss(_ reason: String, at now: Timestamp) -> JobLoss {
        let failure = JobFailure(type: "WorkerLostError", arguments: [.string(reason)], module: "billiard.exceptions").value
        let embed = (try? arguments())?.embed
        let unreached = UnreachedJob.after(chain: embed?.chain ?? [])
        var parts: [ChordPart] = []
        if let group = headers.group, let chord = embed?.chord, !chord.isNull {
            parts.append(ChordPart(group: group, id: id, index: headers.groupIndex, state: .failure, result: failure))
        }
        parts += unreached.compactMap { $0.part(.failure, failure) }
        for place in parts.indices { parts[place].token = "lost:\(parts[place].id)" }
        guard headers.ignoreResult != true else { return JobLoss(results: [], parts: parts) }
        let own = ResultDocument(
            id: id, state: .failure, result: failure, dateDone: now, children: [], groupID: headers.group, parentID: headers.parentID)
        return JobLoss(results: [own] + unreached.map { $0.document(.failure, failure, at: now) }, parts: parts)
    }
}
