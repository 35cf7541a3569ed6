import ApiumCore

extension Inspector {
    /// What is to be said of a server that says this of itself. What it does not say is not judged.
    public static func judge(_ facts: ServerFacts) -> [Finding] {
        serverFindings(facts) + memoryFindings(facts) + durabilityFindings(facts)
    }

    private static func serverFindings(_ facts: ServerFacts) -> [Finding] {
        var findings: [Finding] = []
        if let refusal = facts.refusal {
            findings.append(
                Finding(
                    .error, "server-version", Wording(refusal, "сервер не подходит: \(refusal)"),
                    meaning: Wording(
                        "Workers refuse to start there. Use Redis 6.2 or later, or Valkey, without cluster mode.",
                        "Исполнители там не запускаются. Нужен Redis 6.2 или новее, либо Valkey, без режима кластера.")))
        }
        if facts.isReplica {
            findings.append(
                Finding(
                    .error, "server-replica", Wording("the server is a replica", "сервер — реплика"),
                    meaning: Wording(
                        "Nothing can be enqueued or claimed there. Name the primary, or sentinels, in broker_url.",
                        "Туда нельзя поставить задачу и оттуда нельзя её взять. Укажите в broker_url главный сервер или sentinel.")))
        }
        if let layout = facts.layout, layout > facts.knownLayout {
            findings.append(
                Finding(
                    .error, "layout-version",
                    Wording(
                        "the keys on the server have layout \(layout); this release knows \(facts.knownLayout)",
                        "ключи на сервере имеют версию \(layout), этот выпуск знает \(facts.knownLayout)"),
                    meaning: Wording(
                        "Workers of this release refuse to start, and what is said here may be wrong. Use the newer release.",
                        "Исполнители этого выпуска не запустятся, а сказанное здесь может быть неверно. Возьмите новый выпуск.")))
        }
        return findings
    }

    private static func memoryFindings(_ facts: ServerFacts) -> [Finding] {
        var findings: [Finding] = []
        let isBound = (facts.memoryLimit ?? 0) > 0
        if let policy = facts.evictionPolicy, policy != "noeviction" {
            findings.append(
                Finding(
                    isBound ? .error : .warning, "eviction-policy", Wording("maxmemory-policy is \(policy)", "maxmemory-policy: \(policy)"),
                    meaning: Wording(
                        "When memory is full the server deletes jobs and results without a word. Set it to noeviction: then senders are told.",
                        "Когда память кончится, сервер молча удалит задачи и результаты. Задайте noeviction: тогда об этом узнает отправитель.")))
        }
        if let used = facts.usedMemory, let limit = facts.memoryLimit, isBound, used > limit / 10 * 9 {
            findings.append(
                Finding(
                    .error, "memory-full",
                    Wording("\(used >> 20) of \(limit >> 20) MiB are in use", "занято \(used >> 20) из \(limit >> 20) МиБ"),
                    meaning: Wording(
                        "Soon nothing can be enqueued. Give the server more, or find out what grows: `apium queues`.",
                        "Скоро нельзя будет ставить задачи. Дайте серверу больше памяти или найдите, что растёт: `apium queues`.")))
        }
        return findings
    }

    private static func durabilityFindings(_ facts: ServerFacts) -> [Finding] {
        var findings: [Finding] = []
        if facts.isAppendOnly == false {
            let snapshots = facts.snapshots ?? ""
            findings.append(
                snapshots.isEmpty
                    ? Finding(
                        .warning, "no-persistence",
                        Wording("the server writes nothing to disk (appendonly no, save \"\")", "сервер ничего не пишет на диск (appendonly no, save \"\")"),
                        meaning: Wording("A restart loses all jobs. Set appendonly yes.", "Перезапуск потеряет все задачи. Задайте appendonly yes."))
                    : Finding(
                        .notice, "snapshots-only",
                        Wording("the server takes snapshots only (save \(snapshots))", "сервер делает только снимки (save \(snapshots))"),
                        meaning: Wording(
                            "A crash loses the jobs since the last one. Set appendonly yes.",
                            "Авария потеряет задачи после последнего снимка. Задайте appendonly yes.")))
        }
        if let failure = facts.persistenceFailure {
            findings.append(
                Finding(
                    .error, "persistence-failed", Wording(failure, "запись на диск не удалась: \(failure)"),
                    meaning: Wording(
                        "By default the server then refuses writes. Look at its log: is the disk full?",
                        "По умолчанию сервер тогда отказывает в записи. Смотрите его журнал: не кончилось ли место на диске?")))
        }
        for replica in facts.replicas where !replica.isOnline || replica.behind > 10 << 20 {
            findings.append(
                Finding(
                    .warning, "replica-lag",
                    Wording(
                        "replica \(replica.address) is \(replica.isOnline ? "\(replica.behind >> 20) MiB behind" : "not online")",
                        "реплика \(replica.address) \(replica.isOnline ? "отстаёт на \(replica.behind >> 20) МиБ" : "не на связи")"),
                    meaning: Wording(
                        "Should it take over now, the jobs in between are lost.", "Если она сейчас станет главной, задачи этого промежутка пропадут.")))
        }
        return findings
    }
}
