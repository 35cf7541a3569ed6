import PriceWatchModel

/// The panel's words in both languages. A word that is missing is shown as its key, and a test looks for such.
enum Texts {
    static func text(_ key: String, _ language: Language) -> String {
        guard let pair = words[key] else { return key }
        return language == .russian ? pair.ru : pair.en
    }

    /// All words of a language, for templates: `{{t.save}}`.
    static func table(_ language: Language) -> [String: String] { words.mapValues { language == .russian ? $0.ru : $0.en } }

    static let words = generalWords.merging(scheduleWords) { first, _ in first }.merging(jobsWords) { first, _ in first }

    private static let generalWords: [String: (en: String, ru: String)] = [
        "title": ("PriceWatch admin", "PriceWatch: управление"), "signIn": ("Sign in", "Войти"), "signOut": ("Sign out", "Выйти"),
        "name": ("Name", "Имя"), "password": ("Password", "Пароль"),
        "signInFailed": (
            "Name or password is wrong, or there were too many attempts: wait a little.",
            "Неверное имя или пароль, либо слишком много попыток: подождите немного."
        ),
        "overview": ("Overview", "Обзор"), "jobs": ("Jobs", "Задачи"), "switchLanguage": ("Русский", "English"), "language": ("Language", "Язык"),
        "users": ("Users", "Пользователи"), "products": ("Products", "Товары"), "watches": ("Watches", "Подписки"),
        "price_points": ("Price points", "История цен"), "price_days": ("Prices by day", "Цены по дням"),
        "outbox": ("Notifications", "Уведомления"), "audit": ("Audit", "Журнал"),
        "api_tokens": ("API tokens", "Токены API"),
        "search": ("Search", "Найти"), "searchHint": ("Text or id", "Текст или id"), "found": ("found", "найдено"), "add": ("Add", "Добавить"),
        "export": ("CSV", "CSV"),
        "previous": ("← Newer", "← Новее"), "next": ("Older →", "Старше →"), "nothing": ("Nothing here.", "Здесь пусто."), "save": ("Save", "Сохранить"),
        "cancel": ("Cancel", "Отмена"), "delete": ("Delete", "Удалить"), "back": ("Back", "Назад"), "edit": ("Edit", "Изменить"),
        "confirmDelete": (
            "Delete this row and everything that belongs to it? This cannot be undone.", "Удалить эту запись и всё, что к ней относится? Это необратимо."
        ),
        "checkNow": ("Check the price now", "Проверить цену сейчас"), "queue": ("Queue", "Очередь"), "waiting": ("Waiting", "Ждут"),
        "scheduled": ("Scheduled for later", "Отложены"), "parked": ("Parked", "Отложенные сообщения"), "dead": ("Dead", "Не удались"),
        "quarantine": ("Quarantine", "Карантин"),
        "requeue": ("Run again", "Повторить"), "discard": ("Discard", "Удалить"), "task": ("Task", "Задача"), "reason": ("Reason", "Причина"),
        "attempts": ("Runs", "Запусков"),
        "at": ("Time", "Время"), "done": ("Done.", "Готово."), "saved": ("Saved.", "Сохранено."), "deleted": ("Deleted.", "Удалено."),
        "checking": ("The check has been queued.", "Проверка поставлена в очередь."), "gone": ("It is not there any more.", "Этого уже нет."),
        "optional": ("may be empty", "можно оставить пустым"), "viewer": ("You may look, but not change anything.", "Вы можете смотреть, но не изменять."),
        // Columns.
        "id": ("Id", "Id"), "chat_id": ("Chat", "Чат"), "is_blocked": ("Blocked", "Заблокирован"), "created_at": ("Created", "Создано"),
        "canonical_url": ("Link", "Ссылка"), "price_minor": ("Price", "Цена"), "currency": ("Currency", "Валюта"), "availability": ("Availability", "Наличие"),
        "image_url": ("Picture", "Картинка"), "failures": ("Failures", "Ошибок подряд"), "last_failure": ("Last failure", "Последняя ошибка"),
        "check_interval": ("Interval, seconds", "Интервал, секунды"), "time_zone": ("Time zone", "Часовой пояс"), "digest": ("Digest", "Сводка"),
        "digest_hour": ("Digest's hour", "Час сводки"), "last_digest_at": ("Last digest (UTC)", "Последняя сводка (UTC)"),
        "quiet_from": ("Quiet from", "Тихо с"), "quiet_until": ("Quiet until", "Тихо до"), "paused_at": ("Paused (UTC)", "Остановлена (UTC)"),
        "checked_at": ("Checked (UTC)", "Проверена (UTC)"), "failing_told_at": ("Failure told (UTC)", "О сбое сообщено (UTC)"),
        "day": ("Day (UTC)", "День (UTC)"), "low_minor": ("Lowest", "Наименьшая"), "high_minor": ("Highest", "Наибольшая"),
        "last_minor": ("Last", "Последняя"), "points": ("Prices", "Цен"), "last_seen_at": ("Last seen (UTC)", "Замечена последний раз (UTC)"),
        "kind": ("Kind", "Вид"), "failure": ("Failure", "Сбой"),
        "next_check_at": ("Next check (UTC)", "Следующая проверка (UTC)"), "user_id": ("User", "Пользователь"),
        "user_name": ("User's name", "Имя пользователя"),
        "product_id": ("Product", "Товар"), "product_name": ("Product's name", "Название товара"), "seen_at": ("Seen (UTC)", "Замечена (UTC)"),
        "old_minor": ("Old price", "Старая цена"), "new_minor": ("New price", "Новая цена"), "new_currency": ("Currency", "Валюта"),
        "state": ("State", "Состояние"),
        "published_at": ("Queued", "В очереди"), "delivered_at": ("Delivered", "Доставлено"), "message_id": ("Message", "Сообщение"), "actor": ("Who", "Кто"),
        "action": ("What", "Что"), "target": ("Where", "Где"), "row_id": ("Row", "Запись"), "address": ("Address", "Адрес"), "before": ("Before", "Было"),
        "after": ("After", "Стало"),
        "scopes": ("Scopes", "Права"), "allowed_jobs": ("May enqueue", "Может ставить"), "allowed_queues": ("May choose queues", "Может выбирать очереди"),
        "expires_at": ("Ends (UTC)", "Истекает (UTC)"), "revoked_at": ("Revoked (UTC)", "Отозван (UTC)"),
        // Faults of fields.
        "required": ("This field is needed.", "Обязательное поле."), "tooLong": ("This is too long.", "Слишком длинно."),
        "notALink": ("A link begins with http:// or https://.", "Ссылка начинается с http:// или https://."),
        "notANumber": ("This takes a whole number.", "Нужно целое число."),
        "notAnAmount": ("This takes an amount above 0, for example 1299.50.", "Нужна сумма больше 0, например 1299.50."),
        "notACurrency": ("This takes three letters, for example RUB.", "Нужны три буквы, например RUB."),
        "notAChoice": ("Choose one of the list.", "Выберите из списка."),
        "notAnInstant": ("This takes a time such as 2026-12-31 23:59:00.", "Нужно время, например 2026-12-31 23:59:00."),
        "notAJobPattern": (
            "This takes names of jobs, * for any characters, for example: pricewatch.check_* report.daily",
            "Нужны имена задач, * — любые символы, например: pricewatch.check_* report.daily"
        ),
        "notAQueue": ("This takes names of queues, for example: checks reports", "Нужны имена очередей, например: checks reports"),
        "notUnique": ("Another row has this value already.", "Такое значение уже есть."),
        "missingReference": ("There is no row with this id.", "Нет записи с таким id."),
        "invalid": ("The database does not take this value.", "База данных не принимает это значение."),
        // Faults of requests.
        "badRequest": ("The request is damaged.", "Запрос повреждён."), "notFound": ("There is no such page.", "Такой страницы нет."),
        "forbidden": ("You may not do that.", "Это вам не разрешено."),
        "csrf": ("The form has expired. Go back, reload the page and try again.", "Форма устарела. Вернитесь, обновите страницу и повторите."),
        "method": ("This page does not take that.", "Страница этого не принимает."), "mediaType": ("Forms only, please.", "Принимаются только формы."),
        "tooLarge": ("That is too much.", "Слишком много данных."),
        "conflict": (
            "Somebody else has changed this row in the meantime. Look again, then decide.",
            "Запись тем временем изменил кто-то другой. Посмотрите ещё раз и решите."
        ),
        "notPermitted": (
            "The admin's Redis user may not do that: see the log, and deploy/redis-acl.",
            "Пользователю Redis это не разрешено: смотрите журнал и deploy/redis-acl."
        ),
        "unavailable": ("The database or the broker does not answer. Try again in a moment.", "База данных или брокер не отвечает. Повторите чуть позже."),
    ]
}
