import ApiumCore

/// Where a job is, and what it waits for.
public enum JobStanding: Sendable, Hashable {
    /// It waits in a queue.
    case ready(ReadyPlace)
    /// It waits for its time.
    case scheduled(ScheduledPlace)
    /// It waits beside its queue for a limit or a pause.
    case held(HeldPlace)
    /// A worker holds it.
    case inFlight(FlightPlace)
    /// It was set aside.
    case shelved(ShelfPlace)
    /// It is the body of a chord, and waits for the parts.
    case waitsForParts(ChordProgress)
    /// It follows another job that has not ended, and is sent when that has.
    case follows(Predecessor)
    /// It was revoked, and nothing else is known of it.
    case revoked
    /// It has ended, or a worker has told of it.
    case ended(JobEnd)
    /// It was not found, but these places hold more than what was looked at: it may be behind.
    case outOfSight([QueueSight])
    /// Nothing knows of it: it was never sent here, or its result has expired.
    case unknown
}

/// A place in a queue.
public struct ReadyPlace: Sendable, Hashable {
    /// The queue.
    public var queue: String
    /// How many messages of the queue are claimed before it.
    public var position: Int
    /// The priority, 0 (first) to 9.
    public var priority: Int
    /// When it was sent, if its sender says so.
    public var sentAt: Timestamp?
    /// Whether it has been delivered before.
    public var isRedelivered: Bool
    /// How often it took a process down with it.
    public var crashes: Int
    /// How many places it comes nearer to its start in a second: as workers counted in the last minute, or as it was watched; `nil`: not known, or it
    /// does not move.
    public var approach: Double?

    /// When it begins if what is before it goes on as it did; `nil`: not known.
    ///
    /// - Parameter now: when it was watched.
    public func estimatedStart(at now: Timestamp) -> Timestamp? { approach.map { now + .seconds(Double(position) / $0) } }
}

/// A place among what a limit or a pause holds back.
public struct HeldPlace: Sendable, Hashable {
    /// What it waits for.
    public var target: HoldTarget
    /// How many jobs that wait for it are let go before this one.
    public var position: Int
    /// The queue it goes back to.
    public var queue: String
    /// The limit, its own or that of all keys of its name; `nil`: it is paused only.
    public var limit: Limit?
    /// Since when it is paused; `nil`: it is not.
    public var pausedSince: Timestamp?
    /// It does not begin before, because of the rate; `nil`: there is no rate, or a pause.
    public var notBefore: Timestamp?
}

/// A place among what waits for its time.
public struct ScheduledPlace: Sendable, Hashable {
    /// When it is due.
    public var due: Timestamp
    /// The queue it goes to then.
    public var queue: String
    /// Why it waits.
    public var cause: Cause
    /// How often it is retried at most, as a worker says that knows it; `nil`: nobody says, or without end.
    public var retryLimit: Int?

    /// Why a job waits for its time.
    public enum Cause: Sendable, Hashable {
        /// It has run, and runs again: which retry it will be, and what went wrong, when that is stored.
        case retry(number: Int, after: String?)
        /// It was sent with a time or a delay.
        case asked
    }
}

/// A place with a worker.
public struct FlightPlace: Sendable, Hashable {
    /// The worker's node name; `nil`: its process is in the register no more.
    public var worker: String?
    /// The process' id.
    public var incarnation: String
    /// The queue it came from.
    public var queue: String
    /// What the worker does with it.
    public var activity: FlightRecord.Activity
    /// Since when it runs, as the worker says; `nil`: it has not begun, or the worker did not answer.
    public var since: Timestamp?
    /// Whether the worker was seen to renew its lease; `nil`: it is not registered.
    public var isRenewing: Bool?
    /// After this time without a renewal the job runs elsewhere.
    public var lease: Duration?
    /// Until when the lease lasts that was seen to be renewed; `nil`: no renewal was seen.
    public var leaseUntil: Timestamp?
    /// Which retry this run is; 0 is the first run.
    public var retries: Int
}

/// A place on a shelf.
public struct ShelfPlace: Sendable, Hashable {
    /// The shelf.
    public var shelf: Shelf
    /// The queue to go back to.
    public var queue: String
    /// Why it was set aside, in words.
    public var reason: String
    /// When.
    public var at: Timestamp
    /// How many runs there were.
    public var attempts: Int
}

/// The job that another one follows.
public struct Predecessor: Sendable, Hashable {
    /// Its id.
    public var id: String
    /// Its task.
    public var task: String
    /// How the other follows it.
    public var role: Role

    /// How a job follows another.
    public enum Role: Sendable, Hashable {
        /// As a step of its chain: so many steps on, 1 is next.
        case chainStep(Int)
        /// As what is sent with its result.
        case callback
        /// As what is sent should it fail.
        case errback
    }
}

/// What is stored of a job.
public struct JobEnd: Sendable, Hashable {
    /// The state.
    public var state: JobState
    /// When it ended.
    public var at: Timestamp?
    /// The error, for states that are one.
    public var error: String?
}

/// A place that was looked at in part.
public struct QueueSight: Sendable, Hashable {
    /// The place.
    public var place: Place
    /// How many messages it holds.
    public var length: Int
    /// How many were looked at.
    public var looked: Int

    /// Where messages wait.
    public enum Place: Sendable, Hashable {
        /// In a queue.
        case ready(String)
        /// Beside their queues, for a limit or a pause.
        case held(HoldTarget)
        /// For their time.
        case scheduled
    }
}

/// What keeps a job from running, beside its place.
public enum Obstacle: Sendable, Hashable {
    /// No live worker of ours serves its queue. Celery's workers are in no register, and not counted.
    case queueNotServed(String)
    /// Live workers serve its queue, and none of them knows its name: it goes back or is parked when it is claimed.
    case nameNotKnown(task: String, queue: String)
    /// What it is one of, its queue, its name or its key, is paused since then.
    case paused(HoldTarget, since: Timestamp)
    /// It was revoked: it does not begin when it is claimed.
    case revoked
    /// It was revoked while it runs, and is being stopped.
    case beingStopped
    /// Its time was over before it began: it is discarded when it is claimed.
    case expired(Timestamp)
    /// It is due, or its worker is lost, and no live worker does the shared duties: nobody moves it.
    case nobodyOnDuty
    /// The worker that holds it does not renew its lease: after a lease it runs elsewhere.
    case workerSilent(String)
}
