import DynamicJSON

extension Message {
    /// The joins that are left to do: the job has ended, and its worker was lost, or closed, before it had sent the bodies of these
    /// chords. Whoever claims such a message does not run the job: it takes up each claim (``ResultBackend/resume(_:)``), builds the
    /// body, and completes the delivery with the claim among the ``Completion/closes``.
    ///
    /// Kept in the header `apium_joining`: `[[group, token], …]`. A header that is none of that is no join.
    public var joining: [ChordClaim] {
        get {
            guard case .array(let pairs)? = headers.custom[Self.joiningHeader] else { return [] }
            return pairs.compactMap { pair in
                guard case .array(let texts) = pair, texts.count == 2, let group = texts[0].stringValue, let token = texts[1].stringValue else { return nil }
                return ChordClaim(group: group, token: token)
            }
        }
        set {
            let pairs = newValue.map { JSONValue.array([.string($0.group), .string($0.token)]) }
            headers.custom[Self.joiningHeader] = pairs.isEmpty ? nil : .array(pairs)
        }
    }

    private static let joiningHeader = "apium_joining"
}
