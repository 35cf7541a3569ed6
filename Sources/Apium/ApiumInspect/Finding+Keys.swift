import ApiumCore

extension Inspector {
    /// What is to be said of a fault of the keys.
    static func finding(_ fault: KeyFault) -> Finding {
        let (severity, code, seen, meaning) = words(fault)
        return Finding(severity, code, seen, meaning: meaning, repair: repair(fault))
    }

    private static func repair(_ fault: KeyFault) -> Finding.Repair? {
        switch fault {
        case .unknown: nil
        case .overdueUnacked: .duties
        default: .fault(fault)
        }
    }

    private static func words(_ fault: KeyFault) -> (Finding.Severity, String, Wording, Wording) {
        let hidden = Wording(
            "They would never be returned. Keys were deleted by hand, or restored from an old snapshot.",
            "Они никогда не вернутся. Ключи удаляли вручную или восстановили из старого снимка.")
        let stays = Wording("It would stay for ever.", "Она осталась бы навсегда.")
        switch fault {
        case .unownedFlight(let incarnation, let messages):
            let seen = Wording(
                "\(messages) messages belong to process \(incarnation), which nobody knows", "сообщений у неизвестного процесса \(incarnation): \(messages)")
            return (.error, "flight-unowned", seen, hidden)
        case .unregisteredBatch(let incarnation, let batch, let messages):
            let seen = Wording(
                "\(messages) messages lie in batch \(batch) of process \(incarnation), which does not know of it",
                "сообщений в порции \(batch), о которой процесс \(incarnation) не знает: \(messages)")
            return (.error, "batch-unregistered", seen, hidden)
        case .strayMarks(let key):
            let seen = Wording("\(key) belongs to a batch that is gone", "\(key) относится к порции, которой нет")
            return (.warning, "marks-stray", seen, Wording("It holds no job, and would stay for ever.", "В нём нет задач, и он остался бы навсегда."))
        case .strayPermits(let target, let holders):
            let seen = Wording(
                "\(holders.count) permits of \(target.text) are held by jobs that do not run",
                "разрешений \(target.text) у задач, которые не выполняются: \(holders.count)")
            let meaning = Wording(
                "So many fewer jobs run at once than the limit lets. Keys were deleted by hand, or restored from an old snapshot.",
                "Одновременно выполняется настолько меньше задач, чем разрешено. Ключи удаляли вручную или восстановили из старого снимка.")
            return (.error, "permits-stray", seen, meaning)
        case .strayWorkerRecord(let incarnation):
            let seen = Wording("process \(incarnation) has a record, and is not registered", "процесс \(incarnation) имеет запись, но не зарегистрирован")
            return (.warning, "worker-record-stray", seen, stays)
        case .idsWithoutMessage(let set, let count):
            let seen = Wording("\(set) names \(count) messages that are not there", "\(set) называет сообщения, которых нет: \(count)")
            return (.warning, "ids-without-message", seen, Wording("The messages are lost.", "Сообщения потеряны."))
        case .messagesWithoutID(let set, let count):
            let seen = Wording("\(count) messages beside \(set) are named by nothing", "сообщений рядом с \(set), которые никто не называет: \(count)")
            return (
                .error, "messages-without-id", seen,
                Wording("Nobody would find them, and their jobs would never run.", "Их никто не найдёт, и задачи не выполнятся.")
            )
        case .endless(let key):
            let seen = Wording("\(key) has no time to live", "у \(key) нет срока жизни")
            return (
                .warning, "key-endless", seen, Wording("It should end by itself, and stays for ever.", "Он должен был исчезнуть сам, а останется навсегда.")
            )
        case .unknown(let key):
            let seen = Wording("\(key) is no key that this release knows", "этот выпуск не знает ключа \(key)")
            return (.notice, "key-unknown", seen, Wording("A newer release made it, or somebody by hand.", "Его создал новый выпуск или кто-то вручную."))
        case .overdueBindings(let exchange):
            let seen = Wording(
                "nobody has refreshed the binding table of \(exchange) in time", "таблицу привязок \(exchange) давно никто не обновлял")
            return (.notice, "bindings-overdue", seen, Wording("All whose queues stand in it are gone.", "Все, чьи очереди в ней записаны, завершились."))
        case .endlessReplies(let key):
            let seen = Wording("\(key) holds replies that nobody reads", "в \(key) лежат ответы, которых никто не читает")
            let meaning = Wording(
                "Who had asked Celery's workers was gone before they answered. It would stay for ever.",
                "Спросивший исполнителей Celery завершился раньше, чем они ответили. Он остался бы навсегда.")
            return (.warning, "replies-endless", seen, meaning)
        case .overdueUnacked(let count, let oldest):
            let seen = Wording(
                "\(count) deliveries of Celery's workers are past the visibility timeout, the oldest since \(oldest.iso8601)",
                "доставок исполнителей Celery дольше visibility timeout: \(count), старшая с \(oldest.iso8601)")
            let meaning = Wording(
                "Their workers are gone, and nobody puts them back: no live worker restores them, or their queues are not known.",
                "Их исполнителей нет, и никто их не возвращает: нет живого исполнителя, или их очереди неизвестны.")
            return (.warning, "unacked-overdue", seen, meaning)
        }
    }
}
