/// How often the janitor looks at workers that were reaped.
///
/// What one of them held is returned as soon as it is found dead; after that only a blocked read that outlived its client can still move
/// something, which is likely at once and hardly ever later. So those of the last minute are looked at each time, the others each minute.
struct SweepSchedule {
    /// Workers that were reaped this long ago are looked at each time.
    static let recent = Duration.seconds(60)
    /// All others are looked at this often.
    static let period = Duration.seconds(60)

    private var lastFull: SuspendingClock.Instant?

    /// What the next sweep looks at: workers reaped at most so long ago, or all (`nil`).
    mutating func next(at now: SuspendingClock.Instant) -> Duration? {
        if let lastFull, lastFull.duration(to: now) < Self.period { return Self.recent }
        lastFull = now
        return nil
    }
}
