import Apium
import ApiumInspect
import ArgumentParser
import Foundation

/// A duration on the command line: `90`, `90s`, `5m`, `2h`, `3d`.
struct DurationArgument: ExpressibleByArgument {
    let value: Duration
    private let text: String

    init?(argument: String) {
        let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        let unit = argument.last.flatMap { units[$0] }
        guard let number = Double(unit == nil ? argument : String(argument.dropLast())), number.isFinite, number >= 0, number < 1e9 else { return nil }
        value = .seconds(number * (unit ?? 1))
        text = argument
    }

    init(seconds: Int) {
        value = .seconds(seconds)
        text = "\(seconds)s"
    }

    var defaultValueDescription: String { text }
}

/// A limit key on the command line: `host` or `host=shop.example`.
struct KeyArgument: ExpressibleByArgument {
    let filter: JobQuery.KeyFilter

    init?(argument: String) {
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let name = parts.first, !name.isEmpty else { return nil }
        filter = JobQuery.KeyFilter(name, parts.count == 2 ? parts[1] : nil)
    }
}

/// The filters that lists and bulk operations share.
struct JobFilter: ParsableArguments {
    @Option(help: "Only jobs of this name; a pattern as a shell's: 'shop.*'.") var name: String?
    @Option(name: .shortAndLong, help: "Only jobs of this queue.") var queue: String?
    @Option(help: ArgumentHelp("Only jobs of a limit key: one, or all of a name.", valueName: "name[=value]")) var key: KeyArgument?
    @Option(help: "Only jobs at least so old: 90s, 5m, 2h, 3d. Jobs whose sender does not say when they were sent have no age.")
    var olderThan: DurationArgument?
    @Option(help: "Only jobs at most so old.") var youngerThan: DurationArgument?

    /// Whether something is asked for.
    var isGiven: Bool { name != nil || queue != nil || key != nil || olderThan != nil || youngerThan != nil }

    /// The filters as a query.
    func query(_ states: Set<JobPlace>) -> JobQuery {
        var query = JobQuery()
        query.states = states
        query.name = name
        query.queue = queue
        query.key = key?.filter
        query.olderThan = olderThan?.value
        query.youngerThan = youngerThan?.value
        return query
    }
}

/// Which part of a list is wanted.
struct PageOptions: ParsableArguments {
    @Option(help: "How many are shown.") var limit = 50
    @Option(help: "Where to go on: what the list before ended with.") var cursor: String?

    func validate() throws {
        if limit < 1 || limit > 10_000 { throw ValidationError("--limit is \(limit); it takes 1 to 10000") }
    }
}
