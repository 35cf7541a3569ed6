/// How much a list gives at its turn: as much as is run in five milliseconds at the present pace.
///
/// Each batch costs its steps, so large ones are cheap, and unfair while jobs are long: what one list gave then holds slots which others could
/// have had. With the pace both are right. While 60,000 jobs are run in a second a list gives 300 and is followed by the next 5 ms later; with
/// jobs of a minute a claim takes little of many lists.
struct TurnPace {
    /// How long the turn of a list is.
    private static let turn = 0.005
    /// In about this time what was claimed is forgotten.
    private static let memory = 0.025

    /// How many jobs were claimed lately; what was claimed earlier counts less.
    private var recent = 0.0
    private var last: ContinuousClock.Instant?

    /// So many were claimed.
    mutating func claimed(_ count: Int, at now: ContinuousClock.Instant) {
        recent = faded(at: now) + Double(count)
        last = now
    }

    /// How many jobs are run during a turn.
    func share(at now: ContinuousClock.Instant) -> Int { Int(faded(at: now) * (Self.turn / Self.memory)) }

    private func faded(at now: ContinuousClock.Instant) -> Double {
        guard let last else { return 0 }
        return recent * Self.memory / (Self.memory + max(0, last.duration(to: now) / .seconds(1)))
    }
}
