import PriceWatchJobs
import PriceWatchModel
import TelegramBotAPI

/// The pages of `/settings`; each is shown in the place of the one before.
enum SettingsPage: String, Sendable, CaseIterable {
    case menu = "m"
    case interval = "i"
    case zone = "z"
    case digest = "d"
    case quiet = "q"
}

extension BotMessages {
    /// The intervals that are offered, as far as they are allowed, with the shortest that is.
    static func offered(_ intervals: CheckIntervals) -> [Int] {
        let usual = [300, 900, 1_800, 3_600, 10_800, 21_600, 43_200, 86_400, 604_800].filter(intervals.admits)
        return usual.contains(intervals.minimum) ? usual : [intervals.minimum] + usual
    }

    /// Zones that are offered; any other one can be written.
    static let zones: [(id: String, english: String, russian: String)] = [
        ("Europe/Kaliningrad", "Kaliningrad", "Калининград"), ("Europe/Moscow", "Moscow", "Москва"), ("Europe/Samara", "Samara", "Самара"),
        ("Asia/Yekaterinburg", "Yekaterinburg", "Екатеринбург"), ("Asia/Omsk", "Omsk", "Омск"), ("Asia/Novosibirsk", "Novosibirsk", "Новосибирск"),
        ("Asia/Irkutsk", "Irkutsk", "Иркутск"), ("Asia/Yakutsk", "Yakutsk", "Якутск"), ("Asia/Vladivostok", "Vladivostok", "Владивосток"),
        ("Asia/Magadan", "Magadan", "Магадан"), ("Asia/Kamchatka", "Kamchatka", "Камчатка"), ("Europe/Minsk", "Minsk", "Минск"),
        ("Asia/Almaty", "Almaty", "Алматы"), ("Asia/Tbilisi", "Tbilisi", "Тбилиси"), ("Asia/Yerevan", "Yerevan", "Ереван"),
        ("Europe/London", "London", "Лондон"), ("Europe/Berlin", "Berlin", "Берлин"), ("Europe/Istanbul", "Istanbul", "Стамбул"),
        ("America/New_York", "New York", "Нью-Йорк"), ("America/Los_Angeles", "Los Angeles", "Лос-Анджелес"), ("UTC", "UTC", "UTC"),
    ]

    /// Hours that are offered for a digest.
    static let digestHours = [7, 8, 9, 12, 18, 21]
    /// Quiet hours that are offered.
    static let quietHours = [(22, 7), (22, 9), (23, 8), (0, 9)].compactMap { QuietHours(from: $0.0, until: $0.1) }

    static func settings(_ settings: ChatResult.Settings, page: SettingsPage, _ words: BotWords) -> BotMessage {
        switch page {
        case .menu: menu(settings, words)
        case .interval: choice(words.chooseInterval, intervalButtons(settings, words), words)
        case .zone:
            choice(
                words.chooseZone,
                zones.map { .callback(words.language == .russian ? $0.russian : $0.english, data: ButtonData.timeZone($0.id).text) }, words)
        case .digest: digestPage(settings.preferences, words)
        case .quiet:
            choice(
                words.chooseQuiet,
                quietHours.map { .callback(BotWords.hours($0), data: ButtonData.quiet($0).text) }
                    + [.callback(words.none, data: ButtonData.quiet(nil).text)], words, width: 2)
        }
    }

    private static func menu(_ settings: ChatResult.Settings, _ words: BotWords) -> BotMessage {
        let chosen = settings.preferences
        let interval = min(max(chosen.checkInterval ?? settings.intervals.standard, settings.intervals.minimum), settings.intervals.maximum)
        var text = TelegramHTML.bold(words.settingsTitle) + "\n"
        text += "\n⏱ " + TelegramHTML(words.checks(words.every(interval), isStandard: chosen.checkInterval == nil))
        text += "\n🌍 " + TelegramHTML(words.zone(chosen.timeZone))
        text += "\n📰 " + TelegramHTML(words.digest(chosen.digest, hour: chosen.digestHour))
        text += "\n🌙 " + TelegramHTML(words.quiet(chosen.quietHours))
        func button(_ label: String, _ page: SettingsPage) -> TelegramButton { .callback(label, data: ButtonData.settings(page).text) }
        return BotMessage(
            text,
            keyboard: TelegramKeyboard([
                [button(words.intervalButton, .interval), button(words.zoneButton, .zone)],
                [button(words.digestButton, .digest), button(words.quietButton, .quiet)],
            ]))
    }

    private static func intervalButtons(_ settings: ChatResult.Settings, _ words: BotWords) -> [TelegramButton] {
        [.callback(words.asUsual, data: ButtonData.interval(nil).text)]
            + offered(settings.intervals).map { .callback(words.interval($0), data: ButtonData.interval($0).text) }
    }

    private static func digestPage(_ chosen: UserPreferences, _ words: BotWords) -> BotMessage {
        let periods = [DigestPeriod.daily, .weekly, .off].map { period in
            TelegramButton.callback((chosen.digest == period ? "• " : "") + words.period(period), data: ButtonData.digest(period).text)
        }
        let hours = digestHours.map { hour in
            TelegramButton.callback((chosen.digestHour == hour ? "• " : "") + BotWords.hour(hour), data: ButtonData.digestHour(hour).text)
        }
        let back = TelegramButton.callback(words.backButton, data: ButtonData.settings(.menu).text)
        return BotMessage(TelegramHTML(words.chooseDigest), keyboard: TelegramKeyboard([periods, Array(hours.prefix(3)), Array(hours.dropFirst(3)), [back]]))
    }

    /// A question with its answers as buttons, so many in a row, and the way back.
    private static func choice(_ question: String, _ buttons: [TelegramButton], _ words: BotWords, width: Int = 3) -> BotMessage {
        var rows = stride(from: 0, to: buttons.count, by: width).map { Array(buttons[$0..<min($0 + width, buttons.count)]) }
        rows.append([.callback(words.backButton, data: ButtonData.settings(.menu).text)])
        return BotMessage(TelegramHTML(question), keyboard: TelegramKeyboard(rows))
    }

    // MARK: One product

    static func watchIntervals(_ watch: Watch, _ intervals: CheckIntervals, _ words: BotWords) -> BotMessage {
        let text = name(watch.product) + "\n" + TelegramHTML(words.chooseWatchInterval(words.every(watch.product.checkInterval)))
        let buttons: [TelegramButton] =
            [.callback(words.asUsual, data: ButtonData.watchInterval(watchID: watch.id, seconds: nil).text)]
            + offered(intervals).map { .callback(words.interval($0), data: ButtonData.watchInterval(watchID: watch.id, seconds: $0).text) }
        return BotMessage(text, keyboard: TelegramKeyboard(stride(from: 0, to: buttons.count, by: 3).map { Array(buttons[$0..<min($0 + 3, buttons.count)]) }))
    }

    static func intervalSet(_ watch: Watch, _ words: BotWords) -> BotMessage {
        BotMessage(name(watch.product) + "\n" + TelegramHTML(words.intervalSet(words.every(watch.product.checkInterval))))
    }

    static func retried(_ watch: Watch, _ words: BotWords) -> BotMessage {
        let state = LinkState(
            watchID: watch.id, productID: watch.product.id, name: watch.product.name, link: watch.product.canonicalURL, price: watch.product.price)
        return recovered(state, words)
    }

    // MARK: Notifications

    static func failed(_ state: LinkState, _ words: BotWords, _ sentence: String, isPaused: Bool) -> BotMessage {
        var text: TelegramHTML = isPaused ? "⏸ " : "⚠️ "
        text += .link(TelegramHTML.line(state.name, to: nameLength), url: state.link)
        text += "\n" + TelegramHTML(sentence)
        text += "\n\(words.lastPrice): " + .bold(PriceText.money(state.price, words.language))
        return BotMessage(
            text,
            keyboard: TelegramKeyboard([
                [
                    .callback(words.retryButton, data: ButtonData.retry(watchID: state.watchID).text),
                    .callback(words.stopButton, data: ButtonData.stop(watchID: state.watchID).text),
                ]
            ]))
    }

    static func recovered(_ state: LinkState, _ words: BotWords) -> BotMessage {
        var text: TelegramHTML = "✅ "
        text += .link(TelegramHTML.line(state.name, to: nameLength), url: state.link)
        text += "\n" + TelegramHTML(words.linkRecovered)
        text += "\n\(words.price): " + .bold(PriceText.money(state.price, words.language))
        return BotMessage(text, keyboard: keyboard(watchID: state.watchID, words))
    }

    static func digest(_ digest: Digest, _ words: BotWords) -> BotMessage {
        var text = TelegramHTML.bold(words.digestTitle) + "\n" + TelegramHTML(words.digestSummary(digest))
        for line in digest.lines {
            text += "\n\n" + .link(TelegramHTML.line(line.name, to: 80), url: line.link)
            if line.old != line.new {
                text += "\n" + .struck(PriceText.money(line.old, words.language)) + " → " + .bold(PriceText.money(line.new, words.language))
                if let percent = PriceText.percent(from: line.old, to: line.new) { text += " (\(percent))" }
            } else {
                text += "\n" + .bold(PriceText.money(line.new, words.language))
            }
            if let failure = line.failure { text += "\n⚠️ " + TelegramHTML(words.reason(failure)) }
        }
        let told = digest.changed + digest.failing
        if told > digest.lines.count { text += "\n\n" + TelegramHTML(words.digestMore(told - digest.lines.count)) }
        return BotMessage(text)
    }
}
