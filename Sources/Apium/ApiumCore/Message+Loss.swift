import DynamicJSON

/// What is stored of a job whose worker was lost, when it does not run again: the same for every broker.
extension Message {
    /// The job's document: FAILURE with billiard's `WorkerLostError`, as Celery stores it.
    public func lost(_ reason: String, at now: Timestamp) -> ResultDocument {
        ResultDocument(
            id: id, state: .failure, result: Self.workerLost(reason).value, dateDone: now, children: [], groupID: headers.group, parentID: headers.parentID)
    }

    /// The job's part in its chord, so that the chord does not wait for it without end; `nil` when it is part of none, or its body
    /// can't be read. Its token is the same whenever it is brought, so that whoever repeats a cut step gets the same claim.
    public func lostPart(_ reason: String) -> ChordPart? {
        guard let group = headers.group, let chord = (try? arguments())?.embed.chord, chord != .null else { return nil }
        return ChordPart(
            group: group, id: id, index: headers.groupIndex, state: .failure, result: Self.workerLost(reason).value, token: "lost:\(id)")
    }

    private static func workerLost(_ reason: String) -> JobFailure {
        JobFailure(type: "WorkerLostError", arguments: [.string(reason)], module: "billiard.exceptions")
    }
}
