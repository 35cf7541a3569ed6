import ApiumCore

/// How results and chords are kept. Every worker that shares them, Celery's too, must have the same values.
public struct RedisResultOptions: Sendable, Hashable {
    /// `result_backend_transport_options.global_keyprefix`: in front of every key and channel. Default: empty.
    public var keyPrefix: String
    /// Celery's `result_expires`: how long results are kept; zero keeps them for ever. Default: one day.
    public var expires: Duration
    /// Celery's `result_failure_expires`: how long failures are kept. Default: `nil`, as ``expires``.
    public var failureExpires: Duration?
    /// Celery's `result_chord_expires`: how long the parts of an unfinished chord are kept after the last one. Default: `nil`, as ``expires``.
    public var chordExpires: Duration?
    /// Celery's `result_chord_join_timeout`: how long a join may wait for results; a claim holds for twice as long, at least five seconds.
    /// `nil` waits without end, and counts as five seconds. Default: 3 seconds.
    public var chordJoinTimeout: Duration?
    /// `result_backend_transport_options.result_chord_ordered`: whether a body gets the parts in the order of the header, else in the order
    /// in which they came. Default: true.
    public var chordsAreOrdered: Bool

    /// The defaults are those of the properties.
    public init(
        keyPrefix: String = "", expires: Duration = .seconds(86_400), failureExpires: Duration? = nil, chordExpires: Duration? = nil,
        chordJoinTimeout: Duration? = .seconds(3), chordsAreOrdered: Bool = true
    ) {
        self.keyPrefix = keyPrefix
        self.expires = expires
        self.failureExpires = failureExpires
        self.chordExpires = chordExpires
        self.chordJoinTimeout = chordJoinTimeout
        self.chordsAreOrdered = chordsAreOrdered
    }
}

/// The options as the scripts take them.
extension RedisResultOptions {
    /// Whole seconds to live, at least one; 0 is for ever.
    private static func seconds(_ duration: Duration) -> Int64 { duration <= .zero ? 0 : max(1, duration.components.seconds) }

    /// How long a document of that state lives, in seconds.
    func seconds(of state: JobState) -> Int64 { Self.seconds(state == .failure ? failureExpires ?? expires : expires) }

    /// How long an unfinished chord lives, in seconds.
    var chordSeconds: Int64 { Self.seconds(chordExpires ?? expires) }

    /// How long a chord's saved group lives, in seconds: people read it, too, so never less than a result.
    var groupSeconds: Int64 {
        let results = Self.seconds(expires)
        return chordSeconds == 0 || results == 0 ? 0 : max(chordSeconds, results)
    }

    /// How long a claim holds without being extended, in seconds.
    var claimSeconds: Int64 { max(5, ((chordJoinTimeout ?? .seconds(5)) * 2).components.seconds) }

    /// What the scripts' function `bring` needs: ordered, expires, group expires, seconds of a claim.
    var chordSettings: [String] { [chordsAreOrdered ? "1" : "0", String(chordSeconds), String(groupSeconds), String(claimSeconds)] }

    /// The names of results and chords.
    var keys: ResultKeys { ResultKeys(keyPrefix) }
}
