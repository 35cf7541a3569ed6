extension Texts {
    /// The words of the schedule's pages.
    static let scheduleWords: [String: (en: String, ru: String)] = [
        "schedule": ("Schedule", "Расписание"), "ledger": ("Ledger (UTC)", "Журнал запусков (UTC)"), "preview": ("Slots to come", "Ближайшие запуски"),
        "generation": ("generation", "поколение"), "revision": ("edits", "правок"), "when": ("When", "Когда"), "source": ("From", "Откуда"),
        "nextSlot": ("Next", "Следующий"), "lastSlot": ("Last", "Последний"), "runNow": ("Run now", "Запустить сейчас"),
        "enable": ("Enable", "Включить"), "disable": ("Disable", "Выключить"), "isEnabled": ("enabled", "включено"), "isDisabled": ("disabled", "выключено"),
        "switched": ("switched here", "переключено здесь"), "newEntry": ("New entry", "Новая запись"), "definition": ("Definition", "Определение"),
        "definitionHint": ("as in beat/schedule.yaml", "как в beat/schedule.yaml"), "slot": ("Slot", "Срок"), "slots": ("Slots", "Сроков"),
        "outcome": ("Outcome", "Итог"), "late": ("Late by", "Опоздание"), "job": ("Job", "Задание"), "blocker": ("After job", "После задания"),
        "all": ("all", "все"), "enqueued": ("The job has been queued.", "Задание поставлено в очередь."),
        "noSchedule": (
            "No entry. A deployment's entries are here once a beat has run.", "Записей нет. Записи развёртывания появятся, как только поработает beat."
        ),
        "shadowing": (
            "An entry of this name was added here, and has no effect: a deployment brings one.",
            "Здесь добавлена запись с этим именем, но она не действует: такую же приносит развёртывание."
        ),
        "source_deployed": ("deployment", "развёртывание"), "source_added": ("added", "добавлено"), "source_stray": ("stray", "ничьё"),
        "outcome_fired": ("fired", "запущен"), "outcome_caught_up": ("caught up", "наверстан"), "outcome_skipped": ("skipped", "пропущен"),
        "reason_overlap": ("the last job had not ended", "прошлое задание не закончилось"),
        "reason_queue_full": ("too many jobs waited", "слишком много заданий ждало"),
        "reason_catch_up": ("missed, and not made good", "пропущен и не навёрстывается"), "reason_window": ("missed too long ago", "пропущен слишком давно"),
        "reason_limit": ("too many at once", "слишком много сразу"), "reason_disabled": ("the entry was disabled", "запись была выключена"),
        "reason_not_in_force": ("before the entry came into force", "до вступления записи в силу"),
    ]
}
