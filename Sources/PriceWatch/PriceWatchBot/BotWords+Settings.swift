import PriceWatchJobs
import PriceWatchModel

/// The sentences about settings, links that do not work, and digests.
extension BotWords {
    // MARK: Settings

    var settingsTitle: String { say("Settings", "Настройки") }
    func checks(_ every: String, isStandard: Bool) -> String {
        say("Prices are checked: \(every)", "Цены проверяю: \(every)") + (isStandard ? say(" (as usual)", " (как обычно)") : "")
    }
    func zone(_ name: String?) -> String { say("Time zone: ", "Часовой пояс: ") + (name ?? say("not chosen (UTC)", "не выбран (UTC)")) }
    func digest(_ period: DigestPeriod, hour: Int) -> String {
        switch period {
        case .off: say("Digest: off", "Сводка: нет")
        case .daily: say("Digest: daily at \(Self.hour(hour))", "Сводка: каждый день в \(Self.hour(hour))")
        case .weekly: say("Digest: Mondays at \(Self.hour(hour))", "Сводка: по понедельникам в \(Self.hour(hour))")
        }
    }
    func quiet(_ hours: QuietHours?) -> String {
        guard let hours else { return say("Quiet hours: none", "Тихие часы: нет") }
        return say("Quiet hours: \(Self.hours(hours))", "Тихие часы: \(Self.hours(hours))")
    }
    static func hour(_ hour: Int) -> String { (hour < 10 ? "0" : "") + "\(hour):00" }
    static func hours(_ hours: QuietHours) -> String { "\(hour(hours.from))–\(hour(hours.until))" }

    var intervalButton: String { say("⏱ How often", "⏱ Как часто") }
    var zoneButton: String { say("🌍 Time zone", "🌍 Часовой пояс") }
    var digestButton: String { say("📰 Digest", "📰 Сводка") }
    var quietButton: String { say("🌙 Quiet hours", "🌙 Тихие часы") }
    var backButton: String { say("‹ Back", "‹ Назад") }
    var asUsual: String { say("As usual", "Как обычно") }
    var none: String { say("None", "Нет") }
    func period(_ period: DigestPeriod) -> String {
        switch period {
        case .off: say("Off", "Нет")
        case .daily: say("Daily", "Каждый день")
        case .weekly: say("Weekly", "Раз в неделю")
        }
    }

    var chooseInterval: String {
        say("How often shall I check the prices? Or write, for example, /interval 45m", "Как часто проверять цены? Можно и так: /interval 45м")
    }
    var chooseZone: String {
        say(
            "Where do you live? Or write, for example, /timezone Europe/Paris or /timezone +3",
            "Где вы живёте? Можно и так: /timezone Asia/Omsk или /timezone +3")
    }
    var chooseDigest: String {
        say(
            "A digest tells once a day, or on Mondays, what has changed. When? Or write, for example, /digest daily 8",
            "Сводка раз в день или по понедельникам говорит, что изменилось. Когда? Можно и так: /digest daily 8")
    }
    var chooseQuiet: String {
        say(
            "In quiet hours nothing is sent; it waits until they end. Or write, for example, /quiet 23-8",
            "В тихие часы ничего не присылаю, всё ждёт их конца. Можно и так: /quiet 23-8")
    }
    func chooseWatchInterval(_ now: String) -> String {
        say("Checked \(now). How often shall I check it for you?", "Проверяю \(now). Как часто проверять для вас?")
    }
    func intervalSet(_ every: String) -> String { say("✅ Checked \(every)", "✅ Проверяю \(every)") }

    /// `every 15 min`.
    func every(_ seconds: Int) -> String { say("every \(interval(seconds))", "каждые \(interval(seconds))") }

    /// `15 min`, `2 h`, `1 d`.
    func interval(_ seconds: Int) -> String {
        let space = "\u{A0}"
        switch seconds {
        case let days where days.isMultiple(of: 86_400): return "\(days / 86_400)\(space)" + say("d", "дн")
        case let hours where hours.isMultiple(of: 3_600): return "\(hours / 3_600)\(space)" + say("h", "ч")
        case let minutes where minutes.isMultiple(of: 60): return "\(minutes / 60)\(space)" + say("min", "мин")
        default: return "\(seconds)\(space)" + say("s", "с")
        }
    }

    func refusal(_ refusal: SettingsRefusal) -> String {
        switch refusal.reason {
        case .badInterval:
            let (low, high) = (interval(refusal.minimum ?? 1), interval(refusal.maximum ?? 604_800))
            return say("That is possible between \(low) and \(high).", "Можно от \(low) до \(high).")
        case .unknownTimeZone:
            return say(
                "I do not know this time zone. A name such as Europe/Berlin will do, or an offset such as +3.",
                "Такого часового пояса не знаю. Подойдёт название, например Europe/Moscow, или сдвиг, например +3.")
        case .badHour: return say("An hour is a number from 0 to 23.", "Час – это число от 0 до 23.")
        case .notFound: return fault(.notFound)
        }
    }
    var badSetting: String {
        say(
            "I could not make sense of that. Examples: /interval 45m, /timezone +3, /digest daily 8, /quiet 23-8, and each with off.",
            "Не получилось это понять. Примеры: /interval 45м, /timezone +3, /digest daily 8, /quiet 23-8, и каждое с off.")
    }

    // MARK: Links that do not work

    func reason(_ failure: ParseFailure) -> String {
        switch failure {
        case .notFound: say("the page is gone", "страницы больше нет")
        case .blocked: say("the shop does not let robots in", "магазин не пускает роботов")
        case .notAProduct: say("there is no product on the page any more", "на странице больше нет товара")
        case .noPrice: say("the product has no price; perhaps it is sold out", "у товара нет цены, возможно, он распродан")
        case .timedOut: say("the shop takes too long to answer", "магазин слишком долго не отвечает")
        case .refusedAddress: say("I may not go to this address", "по такому адресу я не хожу")
        case .unreachable, .parserUnavailable: say("the shop cannot be reached", "магазин недоступен")
        }
    }
    func linkFailed(_ failure: ParseFailure) -> String {
        say(
            "I cannot read this price: \(reason(failure)). I go on trying, less and less often, and write when it works again.",
            "Не могу прочитать цену: \(reason(failure)). Продолжаю пробовать, всё реже, и напишу, когда получится.")
    }
    func linkPaused(_ failure: ParseFailure) -> String {
        say(
            "This link does not work: \(reason(failure)). I do not check it any more until you ask me to.",
            "Ссылка не работает: \(reason(failure)). Больше её не проверяю, пока вы не попросите.")
    }
    var linkRecovered: String { say("This link works again.", "Ссылка снова работает.") }
    func stillFailing(_ failure: ParseFailure) -> String { say("Still no luck: \(reason(failure)).", "Пока не получается: \(reason(failure)).") }
    var lastPrice: String { say("Last price", "Последняя цена") }
    var retryButton: String { say("🔄 Try again", "🔄 Проверить ещё раз") }

    // MARK: Digests

    var digestTitle: String { say("📰 Your digest", "📰 Ваша сводка") }
    func digestSummary(_ digest: Digest) -> String {
        let changed =
            digest.changed == 0
            ? say("No price has changed.", "Цены не изменились.") : say("Changed prices: \(digest.changed).", "Изменилось цен: \(digest.changed).")
        let failing = digest.failing == 0 ? "" : say(" Links that do not work: \(digest.failing).", " Не работает ссылок: \(digest.failing).")
        return say("You follow \(digest.following). ", "Вы следите: \(digest.following). ") + changed + failing
    }
    func digestMore(_ count: Int) -> String { say("… and \(count) more in /list", "… и ещё \(count), см. /list") }
}
