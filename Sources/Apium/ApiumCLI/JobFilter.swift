import Apium
import ApiumInspect
import ArgumentParser
import Foundation

/// A duration on the command line: `90`, `90s`, `5m`, `2h`, `3d`.
struct DurationArgument: ExpressibleByArgument {
    let value: Duration

    init?(argument: String) {
        let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600, "d": 86_400]
        let unit = argument.last.flatMap { units[$0] }
        guard let number = Double(unit == nil ? argument : String(argument.dropLast())), number.isFinite, number >= 0, number < 1e9 else { return nil }
        value = .seconds(number * (unit ?? 1))
    }
}

/// The filters that lists and bulk operations share.
struct JobFilter: ParsableArguments {
    @Option(help: "Only jobs of this name; a pattern as a shell's: 'shop.*'.") var name: String?
    @Option(name: .shortAndLong, help: "Only jobs of this queue.") var queue: String?
    @Option(help: "Only jobs at least so old: 90s, 5m, 2h, 3d. Jobs whose sender does not say when they were sent have no age.")
    var olderThan: DurationArgument?
    @Option(help: "Only jobs at most so old.") var youngerThan: DurationArgument?

    /// Whether something is asked for.
    var isGiven: Bool { name != nil || queue != nil || olderThan != nil || youngerThan != nil }

    /// The filters as a query.
    func query(_ states: Set<JobPlace>) -> JobQuery {
        var query = JobQuery()
        query.states = states
        query.name = name
        query.queue = queue
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

/// What is done with many jobs at once.
struct BulkOptions: ParsableArguments {
    @Flag(name: .shortAndLong, help: "Do it. Without it jobs that are chosen by filters are only counted.") var force = false
    @Flag(help: "Only count.") var dryRun = false

    func validate() throws {
        if force && dryRun { throw ValidationError("--force and --dry-run contradict each other") }
    }

    /// Whether it is done: jobs that were named one by one need no --force.
    func isReal(named: Bool) -> Bool { !dryRun && (force || named) }
}

/// The language of answers to people.
struct LanguageOptions: ParsableArguments {
    @Option(help: "en or ru. Default: that of $LC_ALL, $LC_MESSAGES or $LANG.") var language: String?

    func validate() throws {
        if let language, Language(rawValue: language) == nil { throw ValidationError("--language is '\(language.prefix(20))'; it takes en or ru") }
    }

    var chosen: Language {
        if let language, let known = Language(rawValue: language) { return known }
        let environment = ProcessInfo.processInfo.environment
        let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].compactMap { environment[$0] }.first { !$0.isEmpty }
        return Language(locale: locale ?? "")
    }
}

extension ApiumConnection {
    /// Looks at what is on these servers.
    var inspector: Inspector {
        var inspector = Inspector(broker: broker, results: results)
        inspector.controlExchange = client.controlExchange
        return inspector
    }
}
