/// How many offers, price specifications and variants of one page are still read.
///
/// A reference is a dozen bytes, and what it leads to is read wherever it stands: kilobytes of a page would make millions of prices of a product with five
/// hundred references to an offer that has five hundred. So all of a page is counted together; what comes behind is left out.
final class SchemaBudget {
    private var left: Int

    /// - Parameter places: how many. Default: 5,000.
    init(_ places: Int = 5_000) { left = places }

    /// Whether one more may be read.
    func take() -> Bool {
        guard left > 0 else { return false }
        left -= 1
        return true
    }
}
