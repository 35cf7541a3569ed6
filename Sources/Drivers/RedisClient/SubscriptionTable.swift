import NIOCore

/// Who listens to what, and what the server has confirmed. A value: it performs nothing, it says what is to be done.
///
/// Confirmations carry only a name. After a quick subscribe–unsubscribe–subscribe the first confirmation must not count for the
/// second subscription, so confirmations on the way are counted, and a name is confirmed when none is missing. A refusal carries no name at all: it
/// is of the oldest question, for the server answers in order, and each name is a question of its own.
struct SubscriptionTable {
    /// A channel or a pattern.
    enum Name: Hashable, Sendable {
        case channel(String)
        case pattern(String)
    }

    /// What the server was asked and has not answered.
    private enum Question: Equatable {
        case subscribe(Name)
        case unsubscribe(Name)
    }

    typealias Handler = @Sendable (RedisSubscriptionEvent) -> Void

    struct Listener {
        let names: [Name]
        let handler: Handler
        /// Called when nothing will come any more.
        let ended: @Sendable () -> Void
        /// The names whose confirmation is missing on the present connection.
        var missing: Set<Name>
        /// Told when all names are confirmed for the first time; then nil.
        var established: EventLoopPromise<Void>?
    }

    private(set) var listeners: [UInt64: Listener] = [:]
    private var listenersOf: [Name: Set<UInt64>] = [:]
    private var unconfirmed: [Name: Int] = [:]
    private var asked = CircularBuffer<Question>()
    private var connected = false
    private var lastID: UInt64 = 0

    /// Adds a listener.
    /// - Returns: Its id, and the names to subscribe to now. Its promise has been kept already if nothing is missing.
    mutating func add(_ names: [Name], _ promise: EventLoopPromise<Void>, ended: @escaping @Sendable () -> Void, _ handler: @escaping Handler) -> (
        id: UInt64, subscribe: [Name]
    ) {
        lastID += 1
        let names = Array(Set(names))
        let new = names.filter { listenersOf[$0] == nil }
        for name in names { listenersOf[name, default: []].insert(lastID) }
        if connected {
            for name in new { unconfirmed[name, default: 0] += 1 }
            asked += new.map { .subscribe($0) }
        }
        let missing = connected ? Set(names.filter { unconfirmed[$0] != nil }) : Set(names)
        listeners[lastID] = Listener(names: names, handler: handler, ended: ended, missing: missing, established: missing.isEmpty ? nil : promise)
        if missing.isEmpty { promise.succeed() }
        return (lastID, connected ? new : [])
    }

    /// Removes a listener.
    /// - Returns: The names that nobody wants any more, to unsubscribe from, and the promise that was not kept.
    mutating func remove(_ id: UInt64) -> (unsubscribe: [Name], established: EventLoopPromise<Void>?) {
        guard let listener = listeners.removeValue(forKey: id) else { return ([], nil) }
        let unwanted = listener.names.filter { name in
            listenersOf[name]?.remove(id)
            return listenersOf[name]?.isEmpty ?? true
        }
        for name in unwanted { listenersOf[name] = nil }
        if connected { asked += unwanted.map { .unsubscribe($0) } }
        return (connected ? unwanted : [], listener.established)
    }

    /// A new connection is there.
    /// - Returns: All names, to subscribe to.
    mutating func connectionMade() -> [Name] {
        connected = true
        let names = Array(listenersOf.keys)
        unconfirmed = Dictionary(uniqueKeysWithValues: names.map { ($0, 1) })
        asked = CircularBuffer(names.map { .subscribe($0) })
        for (id, listener) in listeners { listeners[id]?.missing = Set(listener.names) }
        return names
    }

    /// The connection, or an attempt to make one, failed. Listeners that were established stay for the next one.
    /// - Returns: The promises of those that never were; they are removed.
    mutating func connectionFailed() -> [EventLoopPromise<Void>] {
        connected = false
        unconfirmed = [:]
        asked = []
        let waiting = listeners.filter { $0.value.established != nil }
        for id in waiting.keys { _ = remove(id) }
        return waiting.values.compactMap(\.established)
    }

    /// Removes all listeners.
    mutating func removeAll() -> [Listener] {
        defer { (listeners, listenersOf) = ([:], [:]) }
        return Array(listeners.values)
    }

    /// The server confirmed a subscription.
    /// - Returns: The promises to keep, and those who must be told of a gap.
    mutating func confirmed(_ name: Name) -> (established: [EventLoopPromise<Void>], gaps: [Handler]) {
        answered(.subscribe(name))
        guard let count = unconfirmed[name] else { return ([], []) }
        countDown(name)
        guard count == 1 else { return ([], []) }
        var established: [EventLoopPromise<Void>] = []
        var gaps: [Handler] = []
        for id in listenersOf[name] ?? [] {
            guard listeners[id]?.missing.remove(name) != nil, let listener = listeners[id], listener.missing.isEmpty else { continue }
            if let promise = listener.established { established.append(promise) } else { gaps.append(listener.handler) }
            listeners[id]?.established = nil
        }
        return (established, gaps)
    }

    /// The server confirmed the end of a subscription.
    mutating func ended(_ name: Name) { answered(.unsubscribe(name)) }

    /// The server refused the oldest question. Whoever waits for that name for the first time waits no more; who had it over an earlier connection
    /// stays for the next one.
    /// - Returns: the names that nobody wants any more, to unsubscribe from, the promises that were not kept, and those who must be told of a gap.
    mutating func refused() -> (unsubscribe: [Name], established: [EventLoopPromise<Void>], gaps: [Handler]) {
        guard case .subscribe(let name) = asked.popFirst() else { return ([], [], []) }
        countDown(name)
        let (new, old) = (listenersOf[name] ?? []).reduce(into: ([UInt64](), [Handler]())) { found, id in
            guard let listener = listeners[id], listener.missing.contains(name) else { return }
            if listener.established != nil { found.0.append(id) } else { found.1.append(listener.handler) }
        }
        let removed = new.map { remove($0) }
        return (removed.flatMap(\.unsubscribe), removed.compactMap(\.established), old)
    }

    private mutating func countDown(_ name: Name) {
        guard let count = unconfirmed[name] else { return }
        unconfirmed[name] = count > 1 ? count - 1 : nil
    }

    private mutating func answered(_ question: Question) {
        if asked.first == question { asked.removeFirst() } else if let place = asked.firstIndex(of: question) { asked.remove(at: place) }
    }

    /// Those who want the messages of `name`.
    func handlers(of name: Name) -> [Handler] {
        (listenersOf[name] ?? []).compactMap { listeners[$0]?.handler }
    }
}
