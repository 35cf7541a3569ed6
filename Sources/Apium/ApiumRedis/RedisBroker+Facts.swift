import ApiumCore
import RedisClient

extension RedisBroker {
    public func serverFacts() async throws -> ServerFacts {
        do {
            let replies = try await client.pipeline([
                RedisCommand("INFO"), RedisCommand("CONFIG", "GET", "save"), RedisCommand("GET", keys.version),
            ])
            // Who may not read the settings is told less; INFO is what all of it stands on.
            let information = ServerInformation(try replies[0].checked().string ?? "")
            var facts = ServerFacts()
            facts.version = information["redis_version"]
            do { try information.check() } catch { facts.refusal = "\(error)" }
            facts.isReplica = information["role"] == "slave"
            facts.usedMemory = information["used_memory"].flatMap { Int($0) }
            facts.memoryLimit = information["maxmemory"].flatMap { Int($0) }
            facts.evictionPolicy = information["maxmemory_policy"]
            facts.isAppendOnly = information["aof_enabled"].map { $0 == "1" }
            facts.snapshots = replies[1].array?.last?.string
            facts.persistenceFailure = information.persistenceFailure(isAppendOnly: facts.isAppendOnly ?? false)
            facts.replicas = information.replicas
            facts.layout = replies[2].int
            facts.knownLayout = RedisSession.layoutVersion
            return facts
        } catch {
            throw RedisFailure.apiumError(error)
        }
    }
}

extension ServerInformation {
    /// What the server could not write when it last tried.
    fileprivate func persistenceFailure(isAppendOnly: Bool) -> String? {
        if isAppendOnly, self["aof_last_write_status"] == "err" { return "the last write to the append-only file failed" }
        if isAppendOnly, self["aof_last_bgrewrite_status"] == "err" { return "the last rewrite of the append-only file failed" }
        if self["rdb_last_bgsave_status"] == "err" { return "the last snapshot failed" }
        return nil
    }

    /// `slave0:ip=…,port=…,state=online,offset=…,lag=…`.
    fileprivate var replicas: [ServerFacts.Replica] {
        let written = self["master_repl_offset"].flatMap { Int($0) } ?? 0
        return (0..<(self["connected_slaves"].flatMap { Int($0) } ?? 0)).compactMap { number in
            guard let line = self["slave\(number)"] else { return nil }
            let fields = Dictionary(
                line.split(separator: ",").map { field in
                    let parts = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                    return (String(parts[0]), parts.count > 1 ? String(parts[1]) : "")
                }
            ) { $1 }
            return ServerFacts.Replica(
                address: "\(fields["ip"] ?? "?"):\(fields["port"] ?? "?")", isOnline: fields["state"] == "online",
                behind: max(0, written - (fields["offset"].flatMap { Int($0) } ?? written)))
        }
    }
}
