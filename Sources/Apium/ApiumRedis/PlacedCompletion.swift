import ApiumCore
import RedisClient

/// A completion as the arguments of complete.lua. Made once, so that a repeated call sends the very same: ids and nonces included.
struct PlacedCompletion {
    let index: Int
    /// A verb and what it needs, each.
    private var operations: [[[UInt8]]] = []

    init(_ completion: Completion, _ session: RedisSession, _ routes: ExchangeRoutes) {
        index = completion.tag.index
        let options = session.broker.options.results
        let names = options.keys
        for claim in completion.closes { add("close", claim.group, names.group(claim.group), claim.token) }
        for claim in completion.abandons { add("abandon", claim.group, names.group(claim.group), claim.token) }
        for document in completion.results {
            add("store", names.task(document.id), String(options.seconds(of: document.state)), last: options.bytes(of: document))
        }
        for followUp in completion.followUps { add(followUp, routes, session.keys) }
        add(completion.disposition, session.keys)
        for part in completion.parts {
            add("part", part.group, names.group(part.group), part.id, part.score, part.token, last: part.encoded)
        }
        if let run = completion.endedRun {
            add("turn", session.keys.beatRun(run.entry), session.keys.beatWaiting(run.entry), run.jobID)
        }
        if !completion.holds.isEmpty { add(completion.holds, completion.disposition, session.keys) }
    }

    private mutating func add(_ disposition: Completion.Disposition, _ keys: RedisKeys) {
        switch disposition {
        case .done: break
        case .schedule(let message, let queue, let delay): add(keys.place(Outgoing(message, to: queue, after: delay)))
        case .requeue(let message, let queue): add(keys.place(Outgoing(message, to: queue)))
        case .shelve(let shelf, let record): add("shelf", keys.shelf(shelf), record.id, last: record.encoded)
        }
    }

    /// One message for each queue. A message that would reach none is parked: its job has ended and nobody would hear of an error.
    private mutating func add(_ outgoing: Outgoing, _ routes: ExchangeRoutes, _ keys: RedisKeys) {
        do {
            for queue in try routes.queues(of: outgoing) { add(keys.place(outgoing, in: queue)) }
        } catch {
            let message = keys.place(outgoing)
            let record = ShelvedRecord(
                id: message.id, task: outgoing.message.task, queue: outgoing.queue, reason: "\(error)", at: .now(), attempts: 0, payload: message.bytes)
            add("shelf", keys.shelf(.parked), record.id, last: record.encoded)
        }
    }

    private mutating func add(_ message: PlacedMessage) {
        if let delay = message.delay {
            add("later", String(delay.wholeMicroseconds), message.member, last: message.bytes)
        } else {
            add("push", message.list, last: message.bytes)
        }
    }

    mutating func add(_ texts: String..., last: [UInt8]? = nil) {
        var operation = texts.map { Array($0.utf8) }
        if let last { operation.append(last) }
        operations.append(operation)
    }

    func append(to command: inout RedisCommand) {
        command.append(index)
        command.append(operations.count)
        for operation in operations { command.append(contentsOf: operation) }
    }
}
