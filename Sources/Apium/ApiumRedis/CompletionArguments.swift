import ApiumCore
import RedisClient

/// Writes completions as the arguments of complete.lua. Each is written once, so that a repeated call sends the very same: ids and nonces
/// included.
struct CompletionArguments {
    private let options: RedisResultOptions
    private let names: ResultKeys
    private let keys: RedisKeys
    private let routes: ExchangeRoutes

    init(_ session: RedisSession, _ routes: ExchangeRoutes) {
        options = session.broker.options.results
        names = options.keys
        keys = session.keys
        self.routes = routes
    }

    /// What becomes of a message.
    private enum Step {
        case send(PlacedMessage)
        case shelve(String, ShelvedRecord)
        /// The message goes from its batch to the shelf inside the server.
        case aside(String, ShelvedRecord)
    }

    /// The completions of a batch at these places, in the order of their deliveries: what can be is written as rows.
    func append(_ completions: [Completion], at places: ArraySlice<Int>, to command: inout RedisCommand) {
        var rest = places
        while let place = rest.first {
            let rows = rows(completions, at: rest)
            if rows.count > 1 { append(rows, of: completions, to: &command) } else { append(completions[place], to: &command) }
            rest = rest.dropFirst(max(rows.count, 1))
        }
    }

    /// The first of these places, as many as follow one another and end with one result each that lives for the same time: as nearly all do.
    func rows(_ completions: [Completion], at places: ArraySlice<Int>) -> ArraySlice<Int> {
        guard let first = places.first, let seconds = rowSeconds(completions[first]) else { return [] }
        let index = completions[first].tag.index
        for (offset, place) in places.enumerated().dropFirst() {
            guard completions[place].tag.index == index + offset, rowSeconds(completions[place]) == seconds else { return places.prefix(offset) }
        }
        return places
    }

    /// How long the one result lives that is all that the end of a job has; `nil`: it has more, or none.
    private func rowSeconds(_ completion: Completion) -> Int64? {
        guard completion.results.count == 1, completion.endsWithResultsAlone else { return nil }
        return options.seconds(of: completion.results[0].state)
    }

    private func append(_ rows: ArraySlice<Int>, of completions: [Completion], to command: inout RedisCommand) {
        guard let first = rows.first, let seconds = rowSeconds(completions[first]) else { return }
        command.append(completions[first].tag.index)
        command.append("rows")
        command.append(rows.count)
        command.append(Int(seconds))
        for place in rows {
            for document in completions[place].results {
                command.append(names.task(document.id))
                command.append(options.bytes(of: document))
            }
        }
    }

    /// The index, the number of operations, and the operations: a verb and what it needs, each.
    private func append(_ completion: Completion, to command: inout RedisCommand) {
        guard !completion.endsWithResultsAlone else {
            command.append(completion.tag.index)
            command.append(completion.results.count)
            for document in completion.results { append(document, to: &command) }
            return
        }
        let steps = completion.followUps.flatMap(steps) + steps(completion.disposition, keepsMessage: completion.keepsMessage)
        let releases = releases(completion)
        command.append(completion.tag.index)
        command.append(
            completion.closes.count + completion.abandons.count + completion.results.count + steps.count + completion.parts.count + releases.count)
        for claim in completion.closes { append("close", claim, to: &command) }
        for claim in completion.abandons { append("abandon", claim, to: &command) }
        for document in completion.results { append(document, to: &command) }
        for step in steps { append(step, to: &command) }
        for part in completion.parts {
            command.append(contentsOf: ["part", part.group, names.group(part.group), part.id, part.score, part.token])
            command.append(part.encoded)
        }
        for release in releases { command.append(contentsOf: release) }
    }

    /// What the end of the job lets go: its entry's turn, and what it holds.
    private func releases(_ completion: Completion) -> [[String]] {
        var releases: [[String]] = []
        if let run = completion.endedRun { releases.append(["turn", keys.beatRun(run.entry), keys.beatWaiting(run.entry), run.jobID]) }
        if !completion.holds.isEmpty { releases += keys.releases(completion.holds, of: completion.tag, completion.disposition) }
        return releases
    }

    private func append(_ document: ResultDocument, to command: inout RedisCommand) {
        command.append("store")
        command.append(names.task(document.id))
        command.append(Int(options.seconds(of: document.state)))
        command.append(options.bytes(of: document))
    }

    private func append(_ verb: String, _ claim: ChordClaim, to command: inout RedisCommand) {
        command.append(contentsOf: [verb, claim.group, names.group(claim.group), claim.token])
    }

    private func append(_ step: Step, to command: inout RedisCommand) {
        switch step {
        case .send(let message):
            if let delay = message.delay {
                command.append(contentsOf: ["later", String(delay.wholeMicroseconds), message.member])
            } else {
                command.append(contentsOf: ["push", message.list])
            }
            command.append(message.bytes)
        case .shelve(let shelf, let record):
            command.append(contentsOf: ["shelf", shelf, record.id])
            command.append(record.encoded)
        case .aside(let shelf, let record):
            command.append(contentsOf: ["aside", shelf, record.id])
            command.append(record.head)
        }
    }

    /// Messages of this length and more are not sent to the server again when they are set aside. Shorter ones are, for the sake of older releases
    /// that read the shelf: what they know is a record in one piece.
    private static let longMessage = 1 << 20

    private func steps(_ disposition: Completion.Disposition, keepsMessage: Bool) -> [Step] {
        switch disposition {
        case .done: []
        case .schedule(let message, let queue, let delay): [.send(keys.place(Outgoing(message, to: queue, after: delay)))]
        case .requeue(let message, let queue): [.send(keys.place(Outgoing(message, to: queue)))]
        case .shelve(let shelf, let record):
            keepsMessage && record.payload.count >= Self.longMessage ? [.aside(keys.shelf(shelf), record)] : [.shelve(keys.shelf(shelf), record)]
        }
    }

    /// One message for each queue. A message that would reach none is parked: its job has ended and nobody would hear of an error.
    private func steps(_ outgoing: Outgoing) -> [Step] {
        do {
            return try routes.queues(of: outgoing).map { .send(keys.place(outgoing, in: $0)) }
        } catch {
            let message = keys.place(outgoing)
            let record = ShelvedRecord(
                id: message.id, task: outgoing.message.task, queue: outgoing.queue, reason: "\(error)", at: .now(), attempts: 0, payload: message.bytes)
            return [.shelve(keys.shelf(.parked), record)]
        }
    }
}

extension Completion {
    /// Whether it is of the kind that nearly all are: there is nothing but results to store, and nothing follows.
    fileprivate var endsWithResultsAlone: Bool {
        guard case .done = disposition else { return false }
        return followUps.isEmpty && parts.isEmpty && closes.isEmpty && abandons.isEmpty && endedRun == nil && holds.isEmpty
    }
}
