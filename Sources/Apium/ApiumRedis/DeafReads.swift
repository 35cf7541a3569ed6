/// Finds blocked reads that wait in vain, from what the renewals of the lease see on the server.
///
/// While a read waits neither its list nor its batch holds anything: what is pushed to the list is moved into the batch at once, and then the read is
/// over. If one of them holds something at two looks, half a second apart, and a read waits at both, its connection may be half-open: the server's
/// answer, or the read itself, never arrived. A look may be wrong, for all reads are looked at in one; then they are ended and begin anew.
struct DeafReads {
    private var suspects: Set<Int> = []

    /// Takes in a look.
    /// - Parameters:
    ///   - reads: The batches of the reads that waited before it, and wait still.
    ///   - isFilled: Whether one of their lists or batches holds something.
    /// - Returns: What is to be done.
    mutating func look(_ reads: Set<Int>, isFilled: Bool) -> Verdict {
        defer { suspects = isFilled ? reads : [] }
        if !isFilled || reads.isEmpty { return .fine }
        return suspects.isDisjoint(with: reads) ? .lookAgain : .deaf
    }

    enum Verdict { case fine, lookAgain, deaf }
}
