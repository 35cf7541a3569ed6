import ApiumCore

/// Everything that a search for one id found.
struct Search {
    let id: String
    private(set) var standings: [JobStanding] = []
    /// The message, from wherever it was seen last.
    private(set) var message: Message?
    /// Messages of other jobs from which this one follows.
    private(set) var relations: [(relation: Mention.Relation, of: Message)] = []
    /// The places that hold more than what was looked at.
    var unseen: [QueueSight] = []
    /// What could not be looked at.
    var gaps: Set<Gap> = []

    init(_ id: String) { self.id = id }

    /// The mark by which the server picks messages.
    var texts: [String] { Mention(id: id).texts }

    /// Takes a message that was picked.
    ///
    /// - Parameter standing: where the job is, should the message be its own.
    mutating func take(_ payload: [UInt8], _ standing: (Message) -> JobStanding) {
        guard let message = try? Message(decoding: payload) else { return }
        if message.id == id {
            self.message = message
            standings.append(standing(message))
        } else if let relation = Mention(id: id).relation(to: message) {
            relations.append((relation, message))
        }
    }

    /// Takes a record of a shelf.
    mutating func take(_ record: ShelvedRecord, on shelf: Shelf) {
        if message == nil { message = try? Message(decoding: record.payload) }
        standings.append(
            .shelved(ShelfPlace(shelf: shelf, queue: record.queue, reason: record.reason, at: record.at, attempts: record.attempts)))
    }

    /// Says of a job that waits for a retry what went wrong, if the stored state is that of the retry.
    mutating func explainRetry(by end: JobEnd?) {
        guard let end, end.state == .retry else { return }
        standings = standings.map { standing in
            guard case .scheduled(var place) = standing, case .retry(let number, _) = place.cause else { return standing }
            place.cause = .retry(number: number, after: end.error)
            return .scheduled(place)
        }
    }

    /// Takes what is known otherwise.
    mutating func take(_ standing: JobStanding) { standings.append(standing) }
}
