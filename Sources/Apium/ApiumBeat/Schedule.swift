import ApiumCore

/// When an entry fires.
public enum Schedule: Sendable, Hashable, CustomStringConvertible {
    /// At every whole multiple of the duration since 1970-01-01T00:00:00Z, so that all beats agree on the slots without talking.
    case every(Duration)
    /// At the times of a crontab, in a zone, with a policy for changes of the clock.
    case crontab(Crontab, ScheduleZone, ClockChange)
    /// At an event of the sun.
    case solar(SolarSchedule)
    /// Once.
    case at(Timestamp)

    /// The first slot after an instant; `nil` when there is none.
    public func next(after instant: Timestamp) -> Timestamp? {
        switch self {
        case .every(let period):
            let step = max(period.wholeMicroseconds, 1)
            let past = instant.microseconds
            let quotient = past >= 0 ? past / step : (past - step + 1) / step
            let (slot, isBeyond) = (quotient + 1).multipliedReportingOverflow(by: step)
            return isBeyond ? nil : Timestamp(microseconds: slot)
        case .crontab(let crontab, let zone, let change): return crontab.next(after: instant, in: zone, change: change)
        case .solar(let solar): return solar.next(after: instant)
        case .at(let moment): return moment > instant ? moment : nil
        }
    }

    /// The last slot at or before an instant; looked for in growing windows, at most a year back.
    public func last(before instant: Timestamp) -> Timestamp? {
        if case .every(let period) = self { return next(after: instant + (.zero - period)) }
        for window: Duration in [.hours(1), .days(1), .days(31), .days(366)] {
            var last: Timestamp?
            var cursor = instant + (.zero - window)
            while let slot = next(after: cursor), slot <= instant {
                last = slot
                cursor = slot
            }
            if let last { return last }
        }
        return nil
    }

    public var description: String {
        switch self {
        case .every(let period): "every \(DurationText.text(period))"
        case .crontab(let crontab, let zone, _): "crontab \(crontab) in \(zone)"
        case .solar(let solar): "\(solar)"
        case .at(let moment): "at \(moment.iso8601)"
        }
    }
}
