import ApiumCore

extension BrokerState {
    /// Edits, moves or deletes what waits; false when it does not wait there any more as it was seen.
    mutating func move(_ message: WaitingMessage, _ move: WaitingMove, at now: Timestamp) -> Bool {
        let isTaken: Bool
        switch message.place {
        case .ready: isTaken = takeReady(message, move)
        case .scheduled: isTaken = takeScheduled(message, move)
        case .held(let target): isTaken = holds.leave(target, message.payload) != nil
        }
        guard isTaken else { return false }
        switch (message.place, move) {
        case (_, .delete): free([message.payload])
        case (.held(let target), .rewrite(let payload)):
            queues[message.queue, default: Queue()][list(of: payload)].pushFront(payload)
            releaseLine(target, at: now)
        case (_, .rewrite): break
        case (_, .send(let payload, let queue)): queues[queue, default: Queue()][list(of: payload)].pushBack(payload)
        case (_, .schedule(let payload, let queue, let due)):
            sequence += 1
            scheduled.append(Scheduled(due: due, sequence: sequence, queue: queue, list: list(of: payload), payload: payload))
        }
        return true
    }

    /// What stands in its place when it is rewritten, and nothing otherwise.
    private func successor(_ move: WaitingMove) -> [UInt8]? { if case .rewrite(let payload) = move { payload } else { nil } }

    private func list(of payload: [UInt8]) -> Int { Queue.listIndex(priority: (try? Message(decoding: payload))?.properties.priority ?? 0) }

    private mutating func takeReady(_ message: WaitingMessage, _ move: WaitingMove) -> Bool {
        let next = successor(move)
        for list in Queue.steps.indices where queues[message.queue]?[list].replace(message.payload, with: next) == true { return true }
        return false
    }

    private mutating func takeScheduled(_ message: WaitingMessage, _ move: WaitingMove) -> Bool {
        guard let sequence = Int(String(decoding: message.key, as: UTF8.self)),
            let place = scheduled.firstIndex(where: { $0.sequence == sequence && $0.payload == message.payload })
        else { return false }
        if let payload = successor(move) { scheduled[place].payload = payload } else { scheduled.remove(at: place) }
        return true
    }
}
