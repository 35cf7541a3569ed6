import ApiumCore
import DynamicJSON

extension Inspector {
    /// The standing with what has to be asked or watched for: how often a job is retried at most, and how fast one comes nearer to its start.
    func measured(_ explanation: Explanation, _ workers: [RegisteredWorker], _ gaps: inout Set<Gap>) async throws -> JobStanding {
        switch explanation.standing {
        case .scheduled(var place):
            guard case .retry = place.cause, let task = explanation.task else { return explanation.standing }
            place.retryLimit = try await retryLimit(of: task, on: place.queue, workers, &gaps)
            return .scheduled(place)
        case .ready(var place):
            guard place.position > 0, explanation.obstacles.isEmpty else { return explanation.standing }
            let counted = try await history(last: .minutes(1)).flow(of: place.queue).out
            place.approach = counted > 0 ? counted : try await approach(of: explanation.id, place)
            return .ready(place)
        default: return explanation.standing
        }
    }

    /// How many places a job comes nearer to its start in a second while it is watched; `nil` when it does not move, or has gone.
    private func approach(of id: String, _ place: ReadyPlace) async throws -> Double? {
        guard watch > .zero else { return nil }
        let began = ContinuousClock.now
        try await pause(watch)
        var position: Int?
        _ = try await readyPages(of: place.queue, mentioning: [id]) { records in
            position = records.first { (try? Message(decoding: $0.payload).id) == id }?.position
            return position == nil
        }
        guard let position, position < place.position else { return nil }
        return Double(place.position - position) / (ContinuousClock.now - began).inSeconds
    }

    /// How often a job is retried at most, as a worker of its queue says.
    private func retryLimit(of task: String, on queue: String, _ workers: [RegisteredWorker], _ gaps: inout Set<Gap>) async throws -> Int? {
        guard let worker = workers.first(where: { $0.queues.contains(queue) && $0.jobs.contains(task) }) else { return nil }
        let question = ControlRequest("registered", arguments: ["taskinfoitems": ["max_retries"]], destination: [worker.name])
        let replies = try await ask(question, &gaps)
        let stem = "\(task) [max_retries="
        let line = (replies.first?.value.arrayValue ?? []).lazy.compactMap(\.stringValue).first { $0.hasPrefix(stem) }
        return line.flatMap { Int($0.dropFirst(stem.count).dropLast()) }
    }
}
