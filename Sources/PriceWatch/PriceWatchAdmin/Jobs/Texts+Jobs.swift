extension Texts {
    /// The words of the jobs' pages.
    static let jobsWords: [String: (en: String, ru: String)] = boardWords.merging(listWords) { $1 }.merging(storyWords) { $1 }.merging(scriptWords) { $1 }

    private static let boardWords: [String: (en: String, ru: String)] = [
        "skip": ("To the content", "К содержимому"), "board": ("Board", "Сводка"), "allJobs": ("All jobs", "Все задачи"), "doctor": ("Doctor", "Диагностика"),
        "find": ("Find", "Найти"),
        "jobID": ("Job id", "Id задачи"), "throughput": ("Jobs ended, last minute", "Завершено за последнюю минуту"),
        "runningNow": ("Running now", "Выполняются"),
        "failedIn": ("Failed in", "Не удались за"), "period": ("Period", "Период"), "allQueues": ("All queues", "Все очереди"),
        "allTasks": ("All jobs by name", "Все виды задач"), "showAll": ("Show all", "Показать все"), "queues": ("Queues", "Очереди"),
        "workers": ("Workers", "Исполнители"), "worker": ("Worker", "Исполнитель"), "rateIn": ("In", "Приходит"), "rateOut": ("Out", "Уходит"),
        "oldest": ("Next has waited", "Следующая ждёт"), "actions": ("Actions", "Действия"), "paused": ("paused", "на паузе"), "pause": ("Pause", "Пауза"),
        "resume": ("Resume", "Продолжить"), "limit": ("limit", "предел"), "unserved": ("nobody serves it", "никто не обслуживает"),
        "notReadable": ("may not be read", "читать не разрешено"), "notLookedAt": ("Not looked at", "Не просмотрено"),
        "byJob": ("Jobs by name", "Задачи по видам"),
        "endedRuns": ("Runs", "Запусков"), "failed": ("Failed", "Не удались"), "retried": ("Retried", "Повторены"),
        "wait95": ("Wait, 95 %", "Ожидание, 95 %"), "runMean": ("Run, mean", "Длительность, средняя"), "run95": ("Run, 95 %", "Длительность, 95 %"),
        "otherJobs": ("other names", "прочие имена"),
        "noHistory": ("No job has run in this time.", "За это время ни одна задача не выполнялась."),
        "noWorkers": ("No worker of Apium is registered.", "Ни один исполнитель Apium не зарегистрирован."), "started": ("Started", "Запущен"),
        "silent": ("silent", "не отвечает"), "asTable": ("As a table", "Таблицей"),
        "chartKeys": (
            "The arrow keys read its values one by one; the table below has them all.",
            "Стрелки читают значения по одному; все они есть в таблице ниже."
        ),
        "boardNote": (
            "the charts show the time of your browser. Workers report every five seconds; jobs of Celery's workers are not counted.",
            "на графиках время вашего браузера. Исполнители сообщают раз в пять секунд; задачи исполнителей Celery не считаются."
        ),
        "range_15m": ("15 minutes", "15 минут"), "range_1h": ("1 hour", "1 час"), "range_24h": ("24 hours", "24 часа"), "range_30d": ("30 days", "30 дней"),
        "chart_ended": ("Runs that ended", "Завершённые запуски"),
        "chart_ended_hint": ("How many runs ended in each bar, and how.", "Сколько запусков завершилось за каждый отрезок, и как."),
        "chart_failures": ("Failures and retries", "Сбои и повторы"),
        "chart_failures_hint": (
            "Jobs that failed for good, and runs that are tried again.", "Задачи, не удавшиеся окончательно, и запуски, которые повторятся."
        ),
        "chart_waits": ("Waiting time", "Время ожидания"),
        "chart_waits_hint": ("From when a job was sent, or due, to its first run.", "От отправки или срока задачи до её первого запуска."),
        "chart_runs": ("Run time", "Длительность"), "chart_runs_hint": ("How long runs took.", "Сколько длились запуски."),
        "chart_spread": ("How long jobs waited and ran", "Сколько задачи ждали и длились"),
        "chart_spread_hint": (
            "How many waits and runs were as long as that, over the whole period.", "Сколько ожиданий и запусков были такой длины за весь период."
        ),
        "chart_lengths": ("Length of the queues", "Длина очередей"),
        "chart_lengths_hint": ("How many jobs were ready in each queue.", "Сколько задач было готово в каждой очереди."),
        "healthy": ("Everything is in order.", "Всё в порядке."), "unhealthy": ("Not everything is in order.", "Не всё в порядке."),
        "lookAgain": ("Look again", "Проверить снова"), "lookedAt": ("Looked at: jobs", "Просмотрено: задач"), "keys": ("keys", "ключей"),
        "notAll": ("not all", "не все"),
        "repair": ("Repair", "Исправить"), "repairWould": ("Repair would", "Исправление (repair)"),
        "repairHint": ("Does only what loses nothing.", "Делает лишь то, при чём ничего не теряется."), "severity_error": ("error", "ошибка"),
        "severity_warning": ("warning", "предупреждение"), "severity_notice": ("notice", "заметка"),
    ]

    private static let listWords: [String: (en: String, ru: String)] = [
        "place_all": ("waiting or running", "ждут или выполняются"), "place_in-flight": ("running", "выполняется"), "place_ready": ("ready", "готова"),
        "place_held": ("held back", "сдерживается"), "place_scheduled": ("scheduled", "отложена по времени"), "place_dead": ("dead", "не удалась"),
        "place_parked": ("parked", "не распознана"), "place_quarantine": ("quarantine", "в карантине"), "namePattern": ("Part of it, or a*b", "Часть или a*b"),
        "olderThan": ("Older than", "Старше чем"), "anyAge": ("any age", "любая"), "arguments": ("Arguments", "Аргументы"),
        "about": ("Where, or why", "Где или почему"),
        "jobsShown": ("shown", "показано"), "jobsLooked": ("looked at", "просмотрено"), "noJobs": ("No such job.", "Таких задач нет."),
        "requeueAll": ("Run all again…", "Повторить все…"), "discardAll": ("Delete all…", "Удалить все…"),
        "unreadable": ("unreadable message", "нечитаемое сообщение"),
        "listNote": (
            "Jobs that succeeded are in no list: they are found by their id while their result is kept.",
            "Успешных задач в списках нет: пока хранится результат, их находят по id."
        ),
        "ofMore": ("of more", "из большего числа"), "pauseTarget": ("What", "Что"), "requeued": ("It is on its queue again.", "Снова в очереди."),
        "cancelled": ("It is cancelled: it will not begin, and is told to stop if it runs.", "Отменена: не начнётся, а если выполняется, будет остановлена."),
        "pausedNow": ("Paused. Jobs that run go on; the others wait in order.", "На паузе. Начатое доделывается, остальное ждёт по порядку."),
        "resumedNow": ("Resumed.", "Продолжено."),
        "confirm_cancel": (
            "Cancel this job? If it waits it never runs; if it runs it is told to stop.",
            "Отменить задачу? Если ждёт, она не начнётся; если выполняется, ей будет велено остановиться."
        ),
        "confirm_discard": ("Delete this job for good? Its message is gone then.", "Удалить задачу насовсем? Её сообщение пропадёт."),
        "confirm_requeue_all": ("Put these jobs on their queues again, the oldest first?", "Снова поставить эти задачи в очереди, начиная со старых?"),
        "confirm_discard_all": ("Delete these jobs for good?", "Удалить эти задачи насовсем?"),
        "confirm_pause": (
            "Pause? Jobs that run go on; the others wait in their order until somebody resumes, also over restarts.",
            "Поставить на паузу? Начатое доделывается, остальное ждёт по порядку, пока кто-нибудь не продолжит, и после перезапусков тоже."
        ),
    ]

    private static let storyWords: [String: (en: String, ru: String)] = [
        "cancelJob": ("Cancel the job", "Отменить задачу"), "editAndRetry": ("Edit and run again", "Изменить и повторить"),
        "whatHappened": ("What happened", "Что было"), "error": ("Error", "Ошибка"), "traceback": ("Traceback", "Трассировка"),
        "positional": ("Positional", "Позиционные"), "keyword": ("By name", "Именованные"), "noArguments": ("None.", "Нет."), "result": ("Result", "Результат"),
        "facts": ("Facts", "Сведения"), "children": ("Jobs that it sent", "Задачи, которые она отправила"),
        "rawMessage": ("The message as it was sent", "Сообщение как есть"),
        "crashes": ("Crashes", "Падений"), "priority": ("Priority", "Приоритет"), "expires": ("Expires", "Истекает"),
        "timeLimits": ("Time limits", "Пределы времени"), "origin": ("Sent by", "Отправитель"), "parentJob": ("Sent by job", "Отправила задача"),
        "rootJob": ("First of its workflow", "Начало цепочки"), "group": ("Group", "Группа"), "time_sent": ("Sent", "Отправлена"),
        "time_eta": ("Not before", "Не раньше"), "time_due": ("Due", "Срок"), "time_retry": ("Next try", "Следующая попытка"),
        "time_runs": ("Runs since", "Выполняется с"),
        "time_dead": ("Failed for good", "Не удалась окончательно"), "time_parked": ("Set aside", "Отложена"),
        "time_quarantine": ("In quarantine", "В карантине"),
        "time_ended": ("Ended", "Закончена"), "kind_ready": ("ready", "готова"), "kind_scheduled": ("scheduled", "ждёт времени"),
        "kind_retry": ("retry", "ждёт повтора"),
        "kind_held": ("held back", "сдерживается"), "kind_in-flight": ("running", "выполняется"), "kind_joining": ("joining", "собирает хорду"),
        "kind_dead": ("dead", "не удалась"), "kind_parked": ("parked", "не распознана"), "kind_quarantine": ("quarantine", "в карантине"),
        "kind_waits-for-parts": ("waits for parts", "ждёт частей"), "kind_follows": ("not sent yet", "ещё не отправлена"),
        "kind_revoked": ("cancelled", "отменена"),
        "kind_ended": ("ended", "закончена"), "kind_told": ("told", "есть известие"), "kind_out-of-sight": ("out of sight", "не видна"),
        "kind_unknown": ("unknown", "неизвестна"), "jsonList": ("a JSON list", "список JSON"), "jsonObject": ("a JSON object", "объект JSON"),
        "priorityHint": ("0 is first, 9 last", "0 — первая, 9 — последняя"), "retriesSoFar": ("Retries so far", "Повторов до сих пор"),
        "retriesHint": ("0 gives it all its attempts again", "0 вернёт ей все попытки"), "saveAndRunNow": ("Save and run now", "Сохранить и запустить сейчас"),
        "saveAndRun": ("Save and run again", "Сохранить и повторить"),
        "editWaiting": (
            "It stays where it waits. With another queue or priority it goes to the back of its queue.",
            "Задача останется там, где ждёт. С другой очередью или приоритетом она встанет в конец очереди."
        ),
        "requeue_ready": ("To the back of its queue", "В конец очереди"), "requeue_held": ("Run now", "Запустить сейчас"),
        "requeue_scheduled": ("Run now", "Запустить сейчас"), "requeue_dead": ("Run again", "Повторить"), "requeue_parked": ("Run again", "Повторить"),
        "requeue_quarantine": ("Run again", "Повторить"),
        "saveOnly": ("Save only", "Только сохранить"),
        "draft_notAList": (
            "The positional arguments are no JSON list, for example [1, \"text\"].", "Позиционные аргументы — не список JSON, например [1, \"текст\"]."
        ),
        "draft_notAnObject": (
            "The arguments by name are no JSON object, for example {\"id\": 7}.", "Именованные аргументы — не объект JSON, например {\"id\": 7}."
        ),
        "draft_notAPriority": ("A priority is 0 to 9.", "Приоритет — от 0 до 9."),
        "draft_notACount": ("Retries are a whole number from 0.", "Повторы — целое число от 0."),
        "draft_noQueue": ("The job needs a queue.", "Задаче нужна очередь."),
        "draft_changedMeanwhile": (
            "Somebody else has changed this job in the meantime. Open it again, then decide.",
            "Задачу тем временем изменил кто-то другой. Откройте её снова и решите."
        ),
    ]

    /// What the board's script writes.
    private static let scriptWords: [String: (en: String, ru: String)] = [
        "js_succeeded": ("succeeded", "удались"), "js_failed": ("failed", "не удались"), "js_retried": ("retried", "повторены"),
        "js_other": ("other", "прочее"),
        "js_median": ("half are faster", "половина быстрее"), "js_most": ("95 % are faster", "95 % быстрее"), "js_liveOn": ("live", "в реальном времени"),
        "js_liveOff": ("connecting…", "соединение…"), "js_livePaused": ("stopped", "остановлено"), "js_livePause": ("Stop updates", "Остановить"),
        "js_liveResume": ("Go on", "Продолжить"), "js_noData": ("Nothing in this time.", "За это время ничего."), "js_timeColumn": ("Time", "Время"),
        "js_durationColumn": ("Duration", "Длительность"), "js_ran": ("ran", "длились"), "js_waited": ("waited", "ждали"),
        "js_unit_ms": ("ms", "мс"), "js_unit_s": ("s", "с"), "js_unit_min": ("min", "мин"), "js_unit_h": ("h", "ч"),
    ]
}
