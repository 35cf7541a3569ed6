import ApiumCore

extension Scene {
    /// Three sessions claim, ask and end as the dice say, until everything has run.
    func randomKeys(limitingAll: Bool) async throws {
        var dice = Dice()
        let hosts = ["a": 1, "b": 2, "c": 3]
        for (name, limit) in hosts { try await broker.setLimit(.concurrency(limit), on: host(name)) }
        if limitingAll { try await broker.setLimit(.concurrency(4), on: .job("conformance.job")) }
        let jobs = (0..<60).map { (id: "\($0)", host: hosts.keys.sorted().randomElement(using: &dice) ?? "a") }
        try await broker.enqueue(jobs.map { job($0.id, host: $0.host) })
        var run = RandomRun(limits: hosts, total: limitingAll ? 4 : .max, seed: dice.seed)
        var sessions: [any BrokerSession] = []
        for number in 0..<3 { sessions.append(try await session(name: "worker-\(number)")) }
        let targets: (Message) -> [HoldTarget] = { message in
            (limitingAll ? [.job("conformance.job")] : []) + (message.limitKey.map { [.key($0)] } ?? [])
        }
        while run.ended < jobs.count {
            let isReady = try await broker.queueLength("jobs") > 0
            if isReady, run.running.isEmpty || Bool.random(using: &dice) {
                let place = Int.random(in: 0..<sessions.count, using: &dice)
                let claimed = try await sessions[place].claim(limit: Int.random(in: 1...5, using: &dice)).deliveries
                for delivery in try await ask(claimed, by: sessions[place], targets) { try run.begin(delivery, place) }
            } else if let index = run.running.indices.randomElement(using: &dice) {
                let (delivery, place) = run.running.remove(at: index)
                try await end(delivery, by: sessions[place])
                run.ended += 1
            } else {
                throw ConformanceFailure("\(run.ended) of \(jobs.count) jobs have run, and nothing runs or is ready (seed \(run.seed))")
            }
        }
        if !limitingAll { try run.checkOrder() }
        let rows = try await broker.holds()
        try expect(rows.allSatisfy { $0.running == 0 && $0.waiting == 0 }, "at the end the rows are \(rows) (seed \(run.seed))")
    }
}

/// What runs and what has run.
private struct RandomRun {
    let limits: [String: Int]
    let total: Int
    let seed: UInt64
    var running: [(delivery: Delivery, place: Int)] = []
    var ended = 0
    private var begun: [String: [Int]] = [:]

    init(limits: [String: Int], total: Int, seed: UInt64) {
        self.limits = limits
        self.total = total
        self.seed = seed
    }

    /// A job begins: no more run now than may.
    mutating func begin(_ delivery: Delivery, _ place: Int) throws {
        running.append((delivery, place))
        let host = try Self.host(delivery)
        begun[host, default: []].append(Int(try Message(decoding: delivery.payload).id) ?? -1)
        let count = try running.filter { try Self.host($0.delivery) == host }.count
        guard count <= limits[host] ?? 0, running.count <= total else {
            throw ConformanceFailure("\(count) jobs of \(host) run at once, \(running.count) in all (seed \(seed))")
        }
    }

    func checkOrder() throws {
        for (host, ids) in begun where ids != ids.sorted() { throw ConformanceFailure("the jobs of \(host) began in the order \(ids) (seed \(seed))") }
    }

    private static func host(_ delivery: Delivery) throws -> String { try Message(decoding: delivery.payload).limitKey?.value ?? "" }
}
