/// What one sentinel says of a group's master.
struct SentinelAnswer: Sendable, Hashable {
    /// Where the master is.
    let host: RedisSentinels.Host
    /// The number of the failover that made it the master: of two answers the one with the higher number is newer. Nil when the sentinel does
    /// not tell.
    let epoch: Int?

    init(_ host: RedisSentinels.Host, epoch: Int?) {
        self.host = host
        self.epoch = epoch
    }

    /// Reads the replies to `question`; nil when the sentinel doesn't know the group.
    init?(_ replies: [RESPValue]) throws {
        guard let parts = try replies[1].checked().array, parts.count == 2, let name = parts[0].string, let port = parts[1].int else { return nil }
        let epoch = (try? replies[0].asPairs())?.first { $0.field.string == "config-epoch" }?.value.int
        self.init(RedisSentinels.Host(name, port: port), epoch: epoch)
    }

    /// The number first: within a failover it rises together with what the second command answers, and an old number beside a new address does no
    /// harm, but a new number beside the old address would.
    static func question(_ masterName: String) -> [RedisCommand] {
        [RedisCommand("SENTINEL", "MASTER", masterName), RedisCommand("SENTINEL", "get-master-addr-by-name", masterName)]
    }

    /// Which of these answers is to be believed after what was known; nil when all of them may be of the past.
    ///
    /// A sentinel that was cut off names the old master until it hears of the failover. So what is older than what was known counts only when most
    /// of the sentinels say so: then the group was set up anew, and its numbers began again.
    static func newest(_ answers: [SentinelAnswer], after known: SentinelAnswer?, of sentinels: Int) -> SentinelAnswer? {
        guard let newest = answers.max(by: { ($0.epoch ?? 0) < ($1.epoch ?? 0) }) else { return nil }
        guard let known, let epoch = known.epoch else { return newest }
        if (newest.epoch ?? 0) > epoch { return newest }
        if answers.contains(where: { $0.host == known.host }) { return known }
        return 2 * answers.count > sentinels ? newest : nil
    }
}

extension RedisSentinels {
    /// How one of them is reached.
    func configuration(of host: Host, patience: Duration) -> RedisConfiguration {
        RedisConfiguration(
            address: .tcp(host: host.name, port: host.port), username: username, password: password, connectTimeout: patience, commandTimeout: patience,
            tls: tls)
    }
}
