import ApiumCore

extension Explanation {
    /// The answer for people: the standing, what keeps it from running, where else the job is, and what could not be looked at, a line each.
    public func text(in language: Language) -> String {
        let name = task.map { " (\($0))" } ?? ""
        let head = "\(id)\(name): \(standing.text(in: language, at: at))"
        let also = others.map { "  " + language.of("also: ", "кроме того: ") + told($0).text(in: language, at: at) }
        let but = obstacles.map { "  " + language.of("but: ", "но: ") + $0.text(in: language, at: at) }
        let who = revocation.map { ["  " + $0.text(in: language, at: at)] } ?? []
        let unseen = gaps.lines(in: language).map { "  " + language.of("not looked at: ", "не просмотрено: ") + $0 }
        return ([head] + but + who + also + unseen).joined(separator: "\n")
    }

    /// Another standing without what the first one has said already: the error of a job that was set aside is the reason for that.
    private func told(_ other: JobStanding) -> JobStanding {
        guard case .shelved(let place) = standing, case .ended(var end) = other, end.error == place.reason else { return other }
        end.error = nil
        return .ended(end)
    }
}

extension RevocationRecord {
    /// Who revoked the job, as words.
    ///
    /// - Parameter now: from when distances in time are told.
    public func text(in language: Language, at now: Timestamp) -> String {
        language.of("revoked", "отменена") + (by.map { language.of(" by ", ": ") + $0 } ?? "") + (at.map { ", " + language.text($0, at: now) } ?? "")
    }
}

extension Limit {
    /// The limit in words: `30/m, 2 at once`.
    public var text: String {
        let words = rate.map { "\($0.text)" + ($0.burst > 1 ? " (burst \($0.burst))" : "") }
        return [words, concurrency.map { "\($0) at once" }].compactMap { $0 }.joined(separator: ", ")
    }
}

extension JobStanding {
    /// The standing as words.
    ///
    /// - Parameter now: from when distances in time are told.
    public func text(in language: Language, at now: Timestamp) -> String {
        switch self {
        case .ready(let place): place.text(in: language, at: now)
        case .scheduled(let place): place.text(in: language, at: now)
        case .held(let place): place.text(in: language, at: now)
        case .inFlight(let place): place.text(in: language, at: now)
        case .shelved(let place): place.text(in: language, at: now)
        case .waitsForParts(let chord): chord.text(in: language)
        case .follows(let job): job.text(in: language)
        case .revoked: language.of("revoked, and not waiting anywhere", "отменена и нигде не ждёт")
        case .ended(let end): end.text(in: language, at: now)
        case .outOfSight(let queues):
            language.of("not found; it may be further back in ", "не найдена; может стоять дальше: ") + queues.text(in: language)
        case .unknown:
            language.of(
                "unknown: no queue, schedule, worker, shelf or result names it; results are kept for a while only",
                "неизвестна: её нет в очередях, в расписании, у исполнителей, среди отложенных и в результатах; результаты хранятся ограниченное время")
        }
    }
}

extension QueueSight {
    /// The place as words, with how much of it was looked at.
    func text(in language: Language) -> String {
        let words =
            switch place {
            case .ready(let queue): language.of("queue \(queue)", "очередь \(queue)")
            case .held(let target): language.of("what \(target.text) holds back", "удержанное \(target.text)")
            case .scheduled: language.of("what waits for its time", "расписание")
            }
        return words + language.of(" (behind more than \(looked), of \(length))", " (просмотрено \(looked) из \(length))")
    }
}

extension Collection where Element == QueueSight {
    /// The places as words; of many the first.
    public func text(in language: Language) -> String {
        let rest = count - 5
        return prefix(5).map { $0.text(in: language) }.joined(separator: ", ") + (rest > 0 ? language.of(" and \(rest) more", " и ещё \(rest)") : "")
    }
}

extension ReadyPlace {
    fileprivate func text(in language: Language, at now: Timestamp) -> String {
        var text =
            position == 0
            ? language.of("ready: next in queue \(queue)", "готова: следующая в очереди \(queue)")
            : language.of("ready: \(position) before it in queue \(queue)", "готова: перед ней в очереди \(queue) ещё \(position)")
        if let start = estimatedStart(at: now), let approach {
            let speed = String((approach * 10).rounded() / 10)
            text += language.of(
                ", begins about \(language.text(start, at: now)) at \(speed)/s", ", начнётся примерно \(language.text(start, at: now)) при \(speed)/с")
        }
        if let sentAt { text += language.of(", sent ", ", отправлена ") + language.text(sentAt, at: now) }
        if crashes > 0 { text += language.of(", its process died \(crashes)×", ", процесс падал с ней \(crashes)×") }
        return text
    }
}

extension HeldPlace {
    fileprivate func text(in language: Language, at now: Timestamp) -> String {
        var text = language.of(
            "held back by \(target.text), \(position) before it, queue \(queue)",
            "сдерживается \(target.text), перед ней ещё \(position), очередь \(queue)")
        if let limit { text += language.of(", limit ", ", предел ") + limit.text }
        if let notBefore { text += language.of(", not before ", ", не раньше ") + language.text(notBefore, at: now) }
        return text
    }
}

extension ScheduledPlace {
    fileprivate func text(in language: Language, at now: Timestamp) -> String {
        let time = language.text(due, at: now)
        switch cause {
        case .asked: return language.of("scheduled for \(time), queue \(queue)", "ждёт времени \(time), очередь \(queue)")
        case .retry(let number, let error):
            let because = error.map { language.of(" because of ", " из-за ") + $0 } ?? ""
            let of = retryLimit.map { language.of(" of \($0)", " из \($0)") } ?? ""
            return language.of("retry \(number)\(of) at \(time)\(because), queue \(queue)", "повтор \(number)\(of) в \(time)\(because), очередь \(queue)")
        }
    }
}

extension FlightPlace {
    fileprivate func text(in language: Language, at now: Timestamp) -> String {
        guard let worker else {
            return language.of(
                "held by a worker that is gone (\(incarnation)); it goes back to queue \(queue)",
                "у исполнителя, которого больше нет (\(incarnation)); вернётся в очередь \(queue)")
        }
        var text: String
        switch activity {
        case .joining(let claims):
            let groups = claims.map(\.group).joined(separator: ", ")
            text = language.of("ended; \(worker) is sending the body of chord \(groups)", "закончена; \(worker) отправляет тело хорды \(groups)")
        case .claimed, .acknowledged:
            text =
                since == nil
                ? language.of("claimed by \(worker)", "взята исполнителем \(worker)") : language.of("runs on \(worker)", "выполняется на \(worker)")
            if let since { text += language.of(" since ", " с ") + language.text(since, at: now) }
            if retries > 0 { text += language.of(", retry \(retries)", ", повтор \(retries)") }
            if activity == .acknowledged { text += language.of(", acknowledged early", ", подтверждена до выполнения") }
        }
        text += language.of(", from queue \(queue)", ", из очереди \(queue)")
        if let leaseUntil {
            text += language.of(", lease renewed until ", ", аренда продлена до ") + leaseUntil.iso8601
        }
        return text
    }
}

extension ShelfPlace {
    fileprivate func text(in language: Language, at now: Timestamp) -> String {
        let name: String
        switch shelf {
        case .dead: name = language.of("dead", "не удалась окончательно")
        case .parked: name = language.of("parked", "отложена")
        case .quarantine: name = language.of("in quarantine", "в карантине")
        }
        return language.of(
            "\(name) since \(language.text(at, at: now)) after \(attempts) run\(attempts == 1 ? "" : "s"): \(reason)",
            "\(name) с \(language.text(at, at: now)), запусков \(attempts): \(reason)")
    }
}

extension ChordProgress {
    fileprivate func text(in language: Language) -> String {
        if isJoined { return language.of("chord \(group) is complete, its body was sent", "хорда \(group) собрана, её тело отправлено") }
        let of = expected.map { String($0) } ?? "?"
        if isClaimed {
            return language.of(
                "all \(of) parts of chord \(group) are there, its body is being sent", "все \(of) частей хорды \(group) готовы, тело отправляется")
        }
        return language.of("waits for parts: \(arrived) of \(of) of chord \(group) are there", "ждёт частей: готово \(arrived) из \(of) частей хорды \(group)")
    }
}

extension Predecessor {
    fileprivate func text(in language: Language) -> String {
        switch role {
        case .chainStep(let steps):
            language.of(
                "not sent yet: \(steps == 1 ? "the next step" : "\(steps) steps on") in the chain of \(id) (\(task))",
                "ещё не отправлена: \(steps == 1 ? "следующий шаг" : "шагов до неё: \(steps),") в цепочке после \(id) (\(task))")
        case .callback: language.of("not sent yet: the callback of \(id) (\(task))", "ещё не отправлена: следует за успехом \(id) (\(task))")
        case .errback: language.of("sent only should \(id) (\(task)) fail", "будет отправлена, только если \(id) (\(task)) не удастся")
        }
    }
}

extension JobEnd {
    fileprivate func text(in language: Language, at now: Timestamp) -> String {
        let time = at.map { " " + language.text($0, at: now) } ?? ""
        let because = error.map { ": " + $0 } ?? ""
        return (state.isReady ? language.of("ended as ", "закончена: ") : language.of("last told as ", "последнее известие: ")) + "\(state)\(time)\(because)"
    }
}

extension Obstacle {
    /// The obstacle as words.
    ///
    /// - Parameter now: from when distances in time are told.
    public func text(in language: Language, at now: Timestamp) -> String {
        switch self {
        case .queueNotServed(let queue):
            language.of(
                "no live worker of Apium serves queue \(queue) (Celery's workers are not seen here)",
                "ни один живой исполнитель Apium не обслуживает очередь \(queue) (исполнители Celery здесь не видны)")
        case .nameNotKnown(let task, let queue):
            language.of(
                "no worker of queue \(queue) knows \(task): it is parked when it is claimed",
                "ни один исполнитель очереди \(queue) не знает \(task): при взятии задача будет отложена")
        case .paused(let target, let since):
            language.of("\(target.text) is paused since \(language.text(since, at: now))", "\(target.text) на паузе с \(language.text(since, at: now))")
        case .revoked: language.of("it was revoked: it will not begin", "она отменена и не начнётся")
        case .beingStopped: language.of("it was revoked, and its worker was told to stop it", "она отменена, исполнителю велено её остановить")
        case .expired(let end):
            language.of(
                "its time was over \(language.text(end, at: now)): it will be discarded", "её срок истёк \(language.text(end, at: now)): она будет отброшена")
        case .nobodyOnDuty:
            language.of(
                "no live worker moves what is due and returns what the dead held: start one",
                "нет живого исполнителя, который передаёт наступившее и возвращает взятое погибшими: запустите его")
        case .workerSilent(let worker):
            language.of(
                "\(worker) does not renew its lease: after a lease the job runs elsewhere",
                "\(worker) не продлевает аренду: когда она истечёт, задача пойдёт другому исполнителю")
        }
    }
}
