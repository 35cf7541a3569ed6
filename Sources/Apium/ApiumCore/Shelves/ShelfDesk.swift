/// What operators do with the jobs on a shelf: look, edit, requeue, delete.
///
/// ```swift
/// let dead = client.shelf(.dead)
/// for record in try await dead.records(ShelfFilter(task: "shop.*")) { print(record.id, record.reason) }
/// try await dead.requeue(id) { $0.kwargs["productID"] = 7 }
/// ```
public struct ShelfDesk: Sendable {
    /// The shelf.
    public let shelf: Shelf
    let broker: any Broker

    /// Makes a desk for one of a broker's shelves.
    public init(_ shelf: Shelf, of broker: any Broker) {
        self.shelf = shelf
        self.broker = broker
    }

    /// The records that the filter lets through, newest first.
    public func records(_ filter: ShelfFilter = ShelfFilter(), limit: Int = 100) async throws -> [ShelvedRecord] {
        try await broker.records(in: shelf, matching: filter, limit: limit)
    }

    /// One record; `nil` when it is not there.
    public func record(_ id: String) async throws -> ShelvedRecord? { try await broker.record(id, in: shelf) }

    /// Changes a job where it lies; answers the new record.
    ///
    /// - Throws: ``ApiumError`` `conflict` when it is not there or was changed meanwhile, `malformedMessage` and `refusedContent` when it cannot be
    ///   read, `badArguments` for a value that no message can have. After these nothing has changed.
    @discardableResult
    public func edit(_ id: String, _ change: (inout EditableJob) throws -> Void) async throws -> ShelvedRecord {
        let (record, edited) = try await edited(id, change)
        guard try await broker.replace(record, with: edited, in: shelf) else { throw changed(id) }
        return edited
    }

    /// Changes a job and puts it on its queue, in one step.
    ///
    /// - Throws: as ``edit(_:_:)``.
    @discardableResult
    public func requeue(_ id: String, _ change: (inout EditableJob) throws -> Void) async throws -> ShelvedRecord {
        let (record, edited) = try await edited(id, change)
        guard try await broker.requeue(record, as: edited, from: shelf) else { throw changed(id) }
        return edited
    }

    /// Puts a job on its queue as it is. False when it is not there.
    @discardableResult
    public func requeue(_ id: String) async throws -> Bool { try await broker.requeue(id, from: shelf) }

    /// Deletes a job. False when it is not there.
    @discardableResult
    public func discard(_ id: String) async throws -> Bool { try await broker.discard(id, from: shelf) }

    /// Puts the newest `limit` jobs that the filter lets through on their queues, the oldest first; answers how many went. A job that somebody
    /// else takes meanwhile is left to them.
    @discardableResult
    public func requeueAll(_ filter: ShelfFilter, limit: Int = 1000) async throws -> Int {
        var count = 0
        for record in try await records(filter, limit: limit).reversed() {
            if try await broker.requeue(record, as: record, from: shelf) { count += 1 }
        }
        return count
    }

    /// Deletes the newest `limit` jobs that the filter lets through; answers how many.
    @discardableResult
    public func discardAll(_ filter: ShelfFilter, limit: Int = 1000) async throws -> Int {
        var count = 0
        for record in try await records(filter, limit: limit) where try await broker.discard(record.id, from: shelf) { count += 1 }
        return count
    }

    private func edited(_ id: String, _ change: (inout EditableJob) throws -> Void) async throws -> (ShelvedRecord, ShelvedRecord) {
        guard let record = try await record(id) else {
            throw ApiumError(.conflict, "there is no job '\(id.prefix(200))' among the \(shelf.rawValue) ones")
        }
        var job = try EditableJob(record)
        try change(&job)
        return (record, try job.record(from: record))
    }

    private func changed(_ id: String) -> ApiumError {
        ApiumError(.conflict, "the job '\(id.prefix(200))' among the \(shelf.rawValue) ones was changed or taken meanwhile; look at it again")
    }
}

extension ApiumClient {
    /// The desk for one of the broker's shelves.
    public func shelf(_ shelf: Shelf) -> ShelfDesk { ShelfDesk(shelf, of: broker) }
}
