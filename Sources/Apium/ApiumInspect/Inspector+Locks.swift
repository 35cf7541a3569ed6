import ApiumCore

extension Inspector {
    /// Unique locks whose jobs are nowhere: nothing of the key can be enqueued until they end by themselves.
    ///
    /// A lock is ended in the step that ends its job, so this comes of hands: queues that were deleted as keys, purged by Celery, or jobs that a
    /// worker of Celery ran.
    func lockFindings(_ locks: [UniqueLockRow], _ census: Census) async throws -> [Finding] {
        let forgotten = try await forgotten(locks, census)
        guard !forgotten.isEmpty else { return [] }
        let words = forgotten.prefix(5).map { "\($0.key.prefix(100)) (\($0.id))" }.joined(separator: ", ")
        return [
            Finding(
                .error, "lock-without-job",
                Wording(
                    "\(forgotten.count) unique locks are held by jobs that neither wait nor run: \(words)",
                    "блокировок, задачи которых не ждут и не выполняются: \(forgotten.count): \(words)"),
                meaning: Wording(
                    "No job of these keys can be enqueued until the locks end by themselves. The messages were deleted by hand, or run by a worker of Celery.",
                    "Пока блокировки не истекут, задачи с этими ключами нельзя поставить. Сообщения удалили вручную, или их выполнил исполнитель Celery."),
                repair: .locks(forgotten))
        ]
    }

    /// Those of the locks whose job is in no place. One that moves from place to place may be missed by one count, so there are two; a lock that has
    /// gone meanwhile was ended with its job.
    func forgotten(_ locks: [UniqueLockRow], _ first: Census) async throws -> [UniqueLockRow] {
        func missing(_ rows: [UniqueLockRow], in census: Census) -> [UniqueLockRow] {
            // What was not seen may be behind what was looked at.
            census.isComplete ? rows.filter { !$0.isForTime && !census.seen.contains($0.id) } : []
        }
        var rows = missing(locks, in: first)
        guard !rows.isEmpty else { return [] }
        rows = missing(rows, in: try await census())
        guard !rows.isEmpty else { return [] }
        let held = Dictionary(try await broker.uniqueLocks(limit: Self.lockLimit).map { ($0.key, $0.id) }) { $1 }
        return rows.filter { held[$0.key] == $0.id }
    }

    /// Results that stay for ever though results should end.
    func resultFindings() async throws -> [Finding] {
        let endless = try await results.endlessResults(limit: Self.endlessLimit)
        guard !endless.isEmpty else { return [] }
        let words = endless.prefix(3).joined(separator: ", ")
        return [
            Finding(
                .warning, "result-endless",
                Wording("\(endless.count) results have no time to live: \(words)", "результатов без срока жизни: \(endless.count): \(words)"),
                meaning: Wording(
                    "They stay for ever, and memory fills up. A worker with result_expires 0 stored them, or somebody by hand.",
                    "Они останутся навсегда и займут память. Их записал исполнитель с result_expires 0 или кто-то вручную."),
                repair: .results(endless))
        ]
    }

    /// How many results without an end are looked for.
    private static let endlessLimit = 10_000
}
