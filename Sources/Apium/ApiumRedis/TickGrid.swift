import ApiumCore

/// When workers do what each of them does again and again: at common instants.
///
/// A request costs a Redis that sleeps between two of them several times what it costs one that is awake. So periods end at multiples of a tick by
/// the wall clock, and what a hundred idle workers ask for comes in a few bunches. A clock that jumps changes the instants and no period.
enum TickGrid {
    /// A timer that fires so early or so late has fired in time.
    private static let tolerance = Duration.milliseconds(2)

    /// The delay from `now` to the last tick that is no later than `period`; longer than that by the tolerance at most.
    static func delay(_ period: Duration, tick: Duration, at now: Timestamp) -> Duration {
        let tick = tick.wholeMicroseconds
        guard tick > 0, tick <= period.wholeMicroseconds else { return period }
        let end = (now + (period + tolerance)).microseconds
        return period + tolerance - .microseconds((end % tick + tick) % tick)
    }
}
