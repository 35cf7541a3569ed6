import ApiumCore

/// The laws every broker keeps, each as a check that runs against a fresh ``World``.
///
/// The suite needs no test framework: a broken law throws a ``ConformanceFailure``. With swift-testing, a broker of one's
/// own is checked by
///
/// ```swift
/// @Test("a broker of our own keeps every law", arguments: BrokerConformance.allCases)
/// func law(_ law: BrokerConformance.Law) async throws {
///     try await BrokerConformance {
///         let server = try await OurServer.start()
///         return BrokerConformance.World(
///             broker: server.broker, results: server.results, lease: .milliseconds(300),
///             pass: { try await Task.sleep(for: $0) },
///             silence: { ($0 as? OurSession)?.stopRenewing() },
///             tearDown: { await server.stop() })
///     }.check(law)
/// }
/// ```
public struct BrokerConformance: Sendable {
    /// A broker with nothing in it, and the hand that moves its time.
    public struct World: Sendable {
        /// The broker to check; nobody else uses its queues.
        public var broker: any Broker
        /// The result backend that the broker's completions write to.
        public var results: any ResultBackend
        /// The lease the suite opens its sessions with. All times in the laws are fractions or small multiples of it: on a
        /// clock that runs by itself a law takes up to about ten leases, so 300 to 500 milliseconds are right.
        public var lease: Duration
        /// Lets this much time pass on the broker's clock: advances a manual one; on a server it sleeps.
        public var pass: @Sendable (Duration) async throws -> Void
        /// Makes a session stop renewing its lease, and nothing else, as if its process hung or was killed. Its calls still
        /// reach the broker afterwards: the laws about stale workers make them.
        public var silence: @Sendable (any BrokerSession) async throws -> Void
        /// Whether the results are the broker's own, so that results and parts travel with completions. Else the laws bring them to
        /// ``results`` first, as a worker does. Default: true.
        public var resultsAreOnBroker: Bool
        /// Lets the claim of a chord's join run out. Default: ``pass`` for longer than claims hold in memory.
        public var outlastClaims: @Sendable (_ group: String) async throws -> Void
        /// Lets the time run out that a job which was let go may be on its way. Default: ``pass`` for longer than that takes in memory.
        public var outlastReservations: @Sendable () async throws -> Void
        /// Ends what `makeWorld` started. Sessions the laws left open may still be there. Default: nothing.
        public var tearDown: @Sendable () async throws -> Void

        /// Makes a world.
        public init(
            broker: any Broker, results: any ResultBackend, lease: Duration, pass: @escaping @Sendable (Duration) async throws -> Void,
            silence: @escaping @Sendable (any BrokerSession) async throws -> Void, resultsAreOnBroker: Bool = true,
            outlastClaims: (@Sendable (_ group: String) async throws -> Void)? = nil,
            outlastReservations: (@Sendable () async throws -> Void)? = nil, tearDown: @escaping @Sendable () async throws -> Void = {}
        ) {
            self.broker = broker
            self.results = results
            self.lease = lease
            self.pass = pass
            self.silence = silence
            self.resultsAreOnBroker = resultsAreOnBroker
            self.outlastClaims = outlastClaims ?? { _ in try await pass(ChordState.claimLife) }
            self.outlastReservations = outlastReservations ?? { try await pass(HoldBook.travel + .seconds(1)) }
            self.tearDown = tearDown
        }
    }

    /// One law: a sentence, and how to check it.
    public struct Law: Sendable, CustomStringConvertible {
        /// The law as a sentence.
        public let name: String
        /// Whether it says something of results that travel with completions.
        public let needsResultsOnBroker: Bool
        let body: @Sendable (Scene) async throws -> Void

        init(_ name: String, needsResultsOnBroker: Bool = false, _ body: @escaping @Sendable (Scene) async throws -> Void) {
            self.name = name
            self.needsResultsOnBroker = needsResultsOnBroker
            self.body = body
        }

        /// The sentence.
        public var description: String { name }
    }

    private let patience: Duration
    private let makeWorld: @Sendable () async throws -> World

    /// Makes the suite of a factory that gives a fresh world for each law.
    ///
    /// `patience` is how long, in real time, a law may take before it counts as broken. Default: 30 seconds.
    public init(patience: Duration = .seconds(30), makeWorld: @escaping @Sendable () async throws -> World) {
        self.patience = patience
        self.makeWorld = makeWorld
    }

    /// Every law.
    public static let allCases: [Law] =
        claimLaws + completionLaws + chordLaws + joinLaws + recoveryLaws + timeLaws + scheduleLaws + overlapLaws + operationLaws + routingLaws
        + enqueueLaws + shelfLaws + limitLaws + lineLaws + pauseLaws + uniqueLaws + inspectionLaws + waitingLaws + historyLaws + handBackLaws

    /// The laws for a set-up whose results are kept elsewhere (``World/resultsAreOnBroker`` is false).
    public static let casesWithResultsElsewhere: [Law] = allCases.filter { !$0.needsResultsOnBroker }

    /// Checks one law in a world of its own.
    ///
    /// - Throws: ``ConformanceFailure`` when it is broken, and whatever the broker throws.
    public func check(_ law: Law) async throws {
        let world = try await makeWorld()
        let patience = patience
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                defer { group.cancelAll() }
                group.addTask { try await law.body(Scene(world: world)) }
                group.addTask {
                    try await Task.sleep(for: patience)
                    throw ConformanceFailure("'\(law.name)' was not decided within \(patience)")
                }
                try await group.next()
            }
        } catch {
            try? await world.tearDown()
            throw error
        }
        try await world.tearDown()
    }
}

/// A law that a broker breaks.
public struct ConformanceFailure: Error, Sendable, CustomStringConvertible {
    /// What was seen, and what should have been.
    public var message: String
    /// The check, as `file:line`.
    public var location: String

    /// Makes a failure.
    public init(_ message: String, fileID: String = #fileID, line: Int = #line) {
        self.message = message
        location = "\(fileID):\(line)"
    }

    /// The message and its place.
    public var description: String { "\(message) (\(location))" }
}
