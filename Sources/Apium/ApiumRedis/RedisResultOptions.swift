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
    /// Celery's `result_compression`: how documents are compressed; compressed ones are read in any case. Default: `nil`, not at all.
    public var compression: BodyCompression?
    /// The serialisations in which stored documents are read, and the most that a compressed one may decompress to: Celery's
    /// `result_accept_content`. Default: JSON alone, 64 MiB.
    public var acceptedContent: AcceptedContent

    /// The defaults are those of the properties.
    public init(
        keyPrefix: String = "", expires: Duration = .seconds(86_400), failureExpires: Duration? = nil, chordExpires: Duration? = nil,
        chordJoinTimeout: Duration? = .seconds(3), chordsAreOrdered: Bool = true,
        compression: BodyCompression? = nil, acceptedContent: AcceptedContent = .json
    ) {
        self.keyPrefix = keyPrefix
        self.expires = expires
        self.failureExpires = failureExpires
        self.chordExpires = chordExpires
        self.chordJoinTimeout = chordJoinTimeout
        self.chordsAreOrdered = chordsAreOrdered
        self.compression = compression
        self.acceptedContent = acceptedContent
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

    /// The bytes of a document as they are stored. What is too long to be compressed is stored as it is.
    func bytes(of document: ResultDocument) -> [UInt8] { (try? document.encoded(compression: compression)) ?? document.encoded() }

    /// Reads a stored document.
    func document(_ bytes: [UInt8]) throws -> ResultDocument { try ResultDocument(decoding: bytes, accepting: acceptedContent) }

    /// Whether the stored bytes are a SUCCESS that the scripts cannot see, because it is compressed.
    func isHiddenSuccess(_ bytes: [UInt8]?) -> Bool {
        guard let bytes, bytes.first == 0 else { return false }
        return (try? document(bytes))?.state == .success
    }

    /// The names of results and chords.
    var keys: ResultKeys { ResultKeys(keyPrefix) }
}
