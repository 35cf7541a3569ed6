import ApiumCore
import ApiumInspect
import DynamicJSON

/// The first page of the jobs as it stands at one moment: made once for the page itself, and again for each event of its stream.
struct JobsBoard: Sendable {
    let snapshot: LiveSnapshot
    let filter: ChartFilter
    let words: LiveWords
    let series: ChartSeries
    private let history: History
    private let jobs: [(key: HistoryKey, counts: JobCounts)]

    init(_ snapshot: LiveSnapshot, _ slots: [HistorySlot], _ filter: ChartFilter, _ words: LiveWords) {
        self.snapshot = snapshot
        self.filter = filter
        self.words = words
        series = ChartSeries(slots, filter)
        history = History(resolution: filter.range.resolution, slots: slots, at: snapshot.at)
        jobs = history.totals.filter { filter.takes($0.key) }
    }

    // MARK: What changes while somebody looks

    /// The texts of the page by the names that its elements carry.
    var texts: [String: String] {
        let total = series.total
        let capacity = snapshot.workers.compactMap(\.concurrency).reduce(0, +)
        var texts = [
            "throughput": words.rate(snapshot.throughput), "failed": words.count(total[.failed]),
            "failedShare": words.percent(total[.failed], of: total.ended), "ended": words.count(total.ended),
            "waiting": words.count(snapshot.waiting + snapshot.held), "scheduled": words.count(snapshot.scheduled),
            "running": words.count(snapshot.running) + (snapshot.running == LiveSnapshot.flightLimit ? "+" : ""),
            "capacity": capacity > 0 ? "/ " + words.count(capacity) : "",
            "wait95": words.duration(total.waits.quantile(0.95)), "run95": words.duration(total.runs.quantile(0.95)),
            "at": words.time(snapshot.at) + " UTC",
        ]
        for shelf in Shelf.allCases { texts[shelf.rawValue] = words.count(snapshot.shelved[shelf] ?? 0) }
        for queue in snapshot.queues {
            let name = "q.\(queue.queue)"
            texts[name + ".length"] = (queue.length.map { words.count($0) } ?? LiveWords.unknown) + words.held(queue.held)
            texts[name + ".in"] = words.rate(queue.rates?.incoming)
            texts[name + ".out"] = words.rate(queue.rates?.outgoing)
            texts[name + ".oldest"] = words.duration(queue.oldest)
        }
        for worker in snapshot.workers { texts["w.\(worker.worker.incarnation).running"] = String(worker.running) }
        for (key, counts) in jobs {
            let name = "j.\(key.queue).\(key.task)"
            texts[name + ".ended"] = words.count(counts.ended)
            texts[name + ".failed"] = words.count(counts[.failed])
            texts[name + ".share"] = words.percent(counts[.failed], of: counts.ended)
            texts[name + ".retried"] = words.count(counts[.retried])
            texts[name + ".wait"] = words.duration(counts.waits.quantile(0.95))
            texts[name + ".mean"] = words.duration(counts.runs.mean)
            texts[name + ".run"] = words.duration(counts.runs.quantile(0.95))
        }
        return texts
    }

    /// The rows that the page has, and what its buttons depend on: when it changes the page reads its tables anew.
    var shape: String {
        let queues = snapshot.queues.map {
            "\($0.queue)\($0.pausedSince == nil ? "" : "!")\($0.workers.count)\($0.length == nil ? "?" : "")\($0.limit?.text ?? "")"
        }
        let workers = snapshot.workers.map { "\($0.worker.incarnation)\($0.isAlive ? "" : "!")\($0.concurrency ?? 0)" }
        let names = jobs.map { "\($0.key.queue)/\($0.key.task)\(snapshot.pausedJobs[$0.key.task] == nil ? "" : "!")" }
        return [queues, workers, names].map { $0.joined(separator: ",") }.joined(separator: ";")
    }

    /// What the page's script is given.
    var event: JSONValue {
        ["texts": .object(texts.mapValues { .string($0) }), "series": series.json, "shape": .string(shape)]
    }

    // MARK: Rows

    /// The queues for the template.
    var queueRows: [[String: Any]] {
        let texts = texts
        return snapshot.queues.map { queue in
            let live = "q.\(queue.queue)."
            var row: [String: Any] = [
                "name": queue.queue, "live": live, "length": texts[live + "length"] ?? "", "in": texts[live + "in"] ?? "", "out": texts[live + "out"] ?? "",
                "oldest": texts[live + "oldest"] ?? "", "workers": String(queue.workers.count), "isPaused": queue.pausedSince != nil,
                "isUnserved": queue.workers.isEmpty && queue.length ?? 0 > 0, "isClosed": queue.length == nil, "limit": queue.limit?.text ?? false,
                "list": "/admin/jobs/list?queue=\(FormText.encode(queue.queue))", "href": "/admin/jobs/queue/\(FormText.encode(queue.queue))",
            ]
            if let since = queue.pausedSince { row["since"] = words.distance(since, at: snapshot.at) }
            return row
        }
    }

    /// The workers for the template.
    var workerRows: [[String: Any]] {
        snapshot.workers.map { worker in
            var row: [String: Any] = [
                "name": worker.worker.name, "pid": String(worker.worker.pid), "queues": worker.worker.queues.joined(separator: ", "),
                "isAlive": worker.isAlive, "live": "w.\(worker.worker.incarnation).", "running": String(worker.running),
                "started": worker.worker.started.map { words.distance($0, at: snapshot.at) } ?? LiveWords.unknown,
            ]
            if let concurrency = worker.concurrency { row["concurrency"] = String(concurrency) }
            return row
        }
    }

    /// The jobs by name for the template.
    var jobRows: [[String: Any]] {
        let texts = texts
        return jobs.map { key, counts in
            let live = "j.\(key.queue).\(key.task)."
            let isOther = key.task == HistoryKey.other.task
            let query = "queue=\(FormText.encode(key.queue))&name=\(FormText.encode(key.task))"
            return [
                "task": key.task, "queue": key.queue, "live": live, "isOther": isOther, "ended": texts[live + "ended"] ?? "",
                "failed": texts[live + "failed"] ?? "", "share": texts[live + "share"] ?? "", "retried": texts[live + "retried"] ?? "",
                "wait": texts[live + "wait"] ?? "", "mean": texts[live + "mean"] ?? "", "run": texts[live + "run"] ?? "",
                "isPaused": snapshot.pausedJobs[key.task] != nil, "hasFailed": counts[.failed] > 0, "list": "/admin/jobs/list?" + query,
                "dead": "/admin/jobs/list?state=dead&" + query, "href": "/admin/jobs/name/\(FormText.encode(key.task))",
            ]
        }
    }
}
