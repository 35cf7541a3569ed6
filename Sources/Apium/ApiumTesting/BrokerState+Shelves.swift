import ApiumCore

extension BrokerState {
    func records(in shelf: Shelf, matching filter: ShelfFilter, limit: Int) -> [ShelvedRecord] {
        Array((shelves[shelf] ?? []).reversed().lazy.filter(filter.takes).prefix(max(limit, 0)))
    }

    func record(_ id: String, in shelf: Shelf) -> ShelvedRecord? { shelves[shelf]?.first { $0.id == id } }

    mutating func take(_ id: String, from shelf: Shelf) -> ShelvedRecord? {
        guard let place = shelves[shelf]?.firstIndex(where: { $0.id == id }) else { return nil }
        return shelves[shelf]?.remove(at: place)
    }

    mutating func discard(_ id: String, from shelf: Shelf) -> Bool {
        guard let record = take(id, from: shelf) else { return false }
        free([record.payload])
        return true
    }

    mutating func replace(_ record: ShelvedRecord, with edited: ShelvedRecord, in shelf: Shelf) -> Bool {
        guard let place = shelves[shelf]?.firstIndex(of: record) else { return false }
        shelves[shelf]?[place] = edited
        return true
    }

    mutating func requeue(_ record: ShelvedRecord, as edited: ShelvedRecord, from shelf: Shelf, at now: Timestamp) -> Bool {
        guard self.record(record.id, in: shelf) == record, take(record.id, from: shelf) != nil else { return false }
        let priority = (try? Message(decoding: edited.payload))?.properties.priority ?? 0
        queues[edited.queue, default: Queue()][Queue.listIndex(priority: priority)].pushBack(edited.payload)
        relock(edited.payload, at: now)
        return true
    }
}
