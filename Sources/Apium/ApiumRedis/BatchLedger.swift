/// What a session's claim batches hold: where they came from, and how much of each was handed to `complete`.
///
/// A batch may be deleted on the server when everything in it is done. The server counts the marks itself; the ledger only says when it
/// is worth counting.
struct BatchLedger {
    private struct Batch {
        /// How many deliveries were handed out; nil while the claim is under way.
        var size: Int?
        /// Which claim it was, from 1.
        var turn: Int?
        var sent = Places()
        var ended = Places()
    }

    /// Some of the places of a batch.
    private struct Places {
        private var words: [UInt64] = []
        private(set) var count = 0

        mutating func insert(_ places: [Int]) {
            for place in places {
                while words.count <= place >> 6 { words.append(0) }
                let bit = UInt64(1) << UInt64(place & 63)
                if words[place >> 6] & bit == 0 { count += 1 }
                words[place >> 6] |= bit
            }
        }
    }

    private var batches: [Int: Batch] = [:]
    private var lastNumber = 0
    private var lastTurn = 0

    /// The order in which batches were claimed.
    var turns: [Int: Int] { batches.compactMapValues(\.turn) }

    /// A number for a new batch.
    mutating func makeBatch() -> Int {
        lastNumber += 1
        batches[lastNumber] = Batch()
        return lastNumber
    }

    /// Whether a batch of this number was made and is not over: from before its registration until the server has answered that it is gone, or
    /// it was given back.
    func knows(_ batch: Int) -> Bool { batches[batch] != nil }

    /// The claim of `batch` is over: so many deliveries were handed out.
    mutating func claimed(_ batch: Int, size: Int) {
        lastTurn += 1
        batches[batch]?.size = size
        batches[batch]?.turn = lastTurn
    }

    /// Deliveries are about to be ended.
    /// - Returns: Whether the caller has then ended, or is ending, all of the batch.
    mutating func ending(_ batch: Int, _ indices: [Int]) -> Bool {
        guard batches[batch] != nil else { return true }
        batches[batch]?.sent.insert(indices)
        guard let known = batches[batch], let size = known.size else { return false }
        return known.sent.count >= size
    }

    /// The server has answered for these.
    /// - Parameter gone: Whether the batch is deleted.
    /// - Returns: Whether all of the batch is ended and it is still there: calls that were under way together may each have come before
    ///   the other's marks, so one more call has to close it.
    mutating func ended(_ batch: Int, _ indices: [Int], gone: Bool) -> Bool {
        if gone {
            batches[batch] = nil
            return false
        }
        batches[batch]?.ended.insert(indices)
        guard let known = batches[batch], let size = known.size else { return false }
        return known.ended.count >= size
    }

    /// The batch was given back.
    mutating func forget(_ batch: Int) { batches[batch] = nil }
}
