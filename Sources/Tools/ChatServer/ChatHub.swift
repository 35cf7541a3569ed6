import Foundation

/// The world with its clock: one call after the other, the long poll that waits for updates, and the pages that look on.
actor ChatHub {
    private struct Poll {
        var id: Int
        var limit: Int
        var offset: Int64
        var continuation: CheckedContinuation<[JSONValue], any Error>
        var timer: Task<Void, Never>
    }

    private(set) var world: ChatWorld
    private(set) var log = CallLog()
    private var faults: [Fault] = []
    private var poll: Poll?
    private var pollCounter = 0
    private var lookers: [Int: AsyncStream<JSONValue>.Continuation] = [:]
    private var lookerCounter = 0
    private var webhookWaiter: CheckedContinuation<Void, Never>?
    private var isClosed = false
    /// Grows with everything that changes in the chats.
    private(set) var changes = 0

    /// Seconds; a longer poll is cut to this, as Telegram does.
    static let maximumPoll: Int64 = 50

    init(world: ChatWorld) { self.world = world }

    static var now: Int64 { Int64(Date().timeIntervalSince1970) }

    /// Changes or reads the world, then tells the pages and the waiting poll what came of it.
    func with<Result: Sendable>(_ body: (inout ChatWorld, Int64) throws -> Result) rethrows -> Result {
        defer { settle() }
        return try body(&world, Self.now)
    }

    private func settle() {
        for event in world.drainEvents() {
            changes += 1
            for looker in lookers.values { looker.yield(event) }
        }
        guard let waiting = poll else { return wakeWebhook() }
        let updates = world.updates.take(offset: waiting.offset, limit: waiting.limit)
        if !updates.isEmpty { endPoll(.success(updates)) }
    }

    // MARK: getUpdates

    /// The next updates, at once or when the first comes. A second poller ends the first with 409.
    func updates(_ parameters: BotAPIParameters) async throws -> JSONValue {
        if world.webhook != nil { throw BotAPIError.webhookActive }
        endPoll(.failure(BotAPIError.otherPoller))
        let limit = Int(min(max(parameters.integer("limit") ?? 100, 1), 100))
        let offset = parameters.integer("offset") ?? 0
        if let kinds = try parameters.structure("allowed_updates")?.array { world.updates.allow(kinds.compactMap(\.string)) }
        let ready = world.updates.take(offset: offset, limit: limit)
        let timeout = min(max(parameters.integer("timeout") ?? 0, 0), Self.maximumPoll)
        if !ready.isEmpty || timeout == 0 || isClosed { return .array(ready) }
        pollCounter += 1
        let id = pollCounter
        let found: [JSONValue] = try await withCheckedThrowingContinuation { continuation in
            // Nothing was confirmed by a negative offset but what it dropped; what comes next is above it.
            let timer = Task {
                try? await Task.sleep(for: .seconds(timeout))
                self.pollTimedOut(id)
            }
            poll = Poll(id: id, limit: limit, offset: max(offset, 0), continuation: continuation, timer: timer)
        }
        return .array(found)
    }

    private func pollTimedOut(_ id: Int) {
        if poll?.id == id { endPoll(.success([])) }
    }

    private func endPoll(_ result: Result<[JSONValue], any Error>) {
        guard let ending = poll else { return }
        poll = nil
        ending.timer.cancel()
        ending.continuation.resume(with: result)
    }

    /// Ends what waits, so that the server can stop.
    func close() {
        isClosed = true
        endPoll(.success([]))
        for looker in lookers.values { looker.finish() }
        lookers = [:]
        wakeWebhook()
    }

    // MARK: Webhook

    /// The oldest update that waits for the webhook, with its address; `nil` when there is none.
    func webhookDelivery() -> (webhook: ChatWorld.Webhook, id: Int64, body: JSONValue)? {
        guard let webhook = world.webhook, let first = world.updates.pending.first else { return nil }
        return (webhook, first.id, first.body)
    }

    func webhookDelivered(_ id: Int64) { world.updates.confirm(id) }

    func webhookFailed(_ reason: String) {
        world.webhook?.lastErrorDate = Self.now
        world.webhook?.lastErrorMessage = reason
    }

    /// Returns when something changed that may be of use to the webhook; false when the server stops.
    func webhookWork() async -> Bool {
        if webhookDelivery() == nil, !isClosed {
            await withCheckedContinuation { continuation in
                webhookWaiter?.resume()
                webhookWaiter = continuation
            }
        }
        return !isClosed
    }

    private func wakeWebhook() {
        webhookWaiter?.resume()
        webhookWaiter = nil
    }

    // MARK: Pages

    /// Events from now on. A page that does not read loses the oldest and is told to load anew.
    func look() -> (id: Int, events: AsyncStream<JSONValue>) {
        lookerCounter += 1
        let (stream, continuation) = AsyncStream.makeStream(of: JSONValue.self, bufferingPolicy: .bufferingNewest(1_000))
        lookers[lookerCounter] = continuation
        return (lookerCounter, stream)
    }

    func lookedAway(_ id: Int) { lookers.removeValue(forKey: id)?.finish() }

    // MARK: Faults and the log

    func add(_ fault: Fault) {
        faults.removeAll { $0.method == fault.method && $0.chat == fault.chat }
        if fault.times > 0 { faults.append(fault) }
    }

    /// The fault that this call shall meet, used up by one.
    func fault(for method: String, chat: Int64?) -> Fault? {
        guard let index = faults.firstIndex(where: { ($0.method == "*" || $0.method == method) && ($0.chat == nil || $0.chat == chat) }) else { return nil }
        let fault = faults[index]
        faults[index].times -= 1
        if faults[index].times == 0 { faults.remove(at: index) }
        return fault
    }

    func record(_ method: String, _ parameters: BotAPIParameters, status: Int, answer: JSONValue, isBreach: Bool) {
        log.record(method, parameters, status: status, answer: answer, isBreach: isBreach)
    }
}
