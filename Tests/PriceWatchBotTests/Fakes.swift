import Logging
import PriceWatchJobs
import PriceWatchModel
import Synchronization
import TelegramBotAPI

@testable import PriceWatchBot

/// The API with watches per chat, as the real one keeps them; a fault on demand.
final class FakeAPI: PriceAPI {
    struct State {
        var watches: [Int64: [Watch]] = [:]
        var languages: [Int64: Language] = [:]
        var blocked: [Int64: Bool] = [:]
        var outcome: AddProduct.Outcome?
        var fault: ChatFault?
        var links: [String] = []
        var preferences: [Int64: UserPreferences] = [:]
        var retried: RetryWatch.Outcome?
        var moves: [[Int64]] = []
        /// Under which keys products were added.
        var keys: [String?] = []
    }

    let state = Mutex(State())

    func watch(_ id: Int64, _ name: String = "Kettle", image: String? = nil) -> Watch {
        Watch(
            id: id, userID: 1,
            product: Product(
                id: id, canonicalURL: "https://shop.example/\(id)", name: name, price: Money(minorUnits: 199_000, currency: .rub), availability: .inStock,
                imageURL: image))
    }

    private func check() throws {
        if let fault = state.withLock({ $0.fault }) { throw fault }
    }

    func addProduct(_ asker: Asker, link: String) async throws -> AddProduct.Outcome {
        state.withLock { state in
            state.links.append(link)
            state.keys.append(asker.key)
        }
        try check()
        return state.withLock { state in
            if let outcome = state.outcome { return outcome }
            let added = watch(Int64(state.links.count))
            state.watches[asker.chatID, default: []].append(added)
            return .added(AddedWatch(watch: added, isNew: true))
        }
    }

    func watches(_ asker: Asker) async throws -> [Watch] {
        try check()
        return state.withLock { $0.watches[asker.chatID] ?? [] }
    }

    func removeWatch(_ asker: Asker, watchID: Int64) async throws -> Bool {
        try check()
        return state.withLock { state in
            guard let index = state.watches[asker.chatID]?.firstIndex(where: { $0.id == watchID }) else { return false }
            state.watches[asker.chatID]?.remove(at: index)
            return true
        }
    }

    func history(_ asker: Asker, watchID: Int64, limit: Int) async throws -> ChatResult.History {
        try check()
        guard let watch = state.withLock({ $0.watches[asker.chatID]?.first { $0.id == watchID } }) else { throw ChatFault(.notFound, "no such watch") }
        let points = [
            PricePoint(price: Money(minorUnits: 149_000, currency: .rub), availability: .inStock, seenAt: 1_795_406_400_000_000),
            PricePoint(price: Money(minorUnits: 199_000, currency: .rub), availability: .inStock, seenAt: 1_795_320_000_000_000),
        ]
        return ChatResult.History(product: watch.product, points: points)
    }

    func setLanguage(_ asker: Asker, _ language: Language) async throws {
        try check()
        state.withLock { $0.languages[asker.chatID] = language }
    }

    func language(of asker: Asker) async throws -> Language? {
        try check()
        return state.withLock { $0.languages[asker.chatID] }
    }

    func settings(_ asker: Asker) async throws -> ChatResult.Settings {
        try check()
        return ChatResult.Settings(preferences: state.withLock { $0.preferences[asker.chatID] } ?? UserPreferences(), intervals: CheckIntervals())
    }

    func changeSettings(_ asker: Asker, _ change: PreferencesChange) async throws -> ChangeSettings.Outcome {
        try check()
        if case .set(let seconds) = change.checkInterval, !CheckIntervals().admits(seconds) {
            return ChangeSettings.Outcome(refusal: SettingsRefusal(.badInterval, minimum: 300, maximum: 604_800))
        }
        return state.withLock { state in
            let new = change.applied(to: state.preferences[asker.chatID] ?? UserPreferences())
            state.preferences[asker.chatID] = new
            return ChangeSettings.Outcome(preferences: new)
        }
    }

    func setInterval(_ asker: Asker, watchID: Int64, seconds: Int?) async throws -> SetInterval.Outcome {
        try check()
        return state.withLock { state in
            guard let index = state.watches[asker.chatID]?.firstIndex(where: { $0.id == watchID }) else {
                return SetInterval.Outcome(refusal: SettingsRefusal(.notFound))
            }
            state.watches[asker.chatID]?[index].checkInterval = seconds
            state.watches[asker.chatID]?[index].product.checkInterval = seconds ?? 3_600
            return SetInterval.Outcome(watch: state.watches[asker.chatID]?[index])
        }
    }

    func retryWatch(_ asker: Asker, watchID: Int64) async throws -> RetryWatch.Outcome {
        try check()
        return state.withLock { state in
            let watch = state.watches[asker.chatID]?.first { $0.id == watchID }
            return watch == nil ? RetryWatch.Outcome(watch: nil) : state.retried ?? RetryWatch.Outcome(watch: watch)
        }
    }

    func setBlocked(chatID: Int64, _ isBlocked: Bool) async throws {
        try check()
        state.withLock { $0.blocked[chatID] = isBlocked }
    }

    func moveChat(_ chatID: Int64, to new: Int64) async throws {
        try check()
        state.withLock { state in
            state.moves.append([chatID, new])
            state.watches[new, default: []] += state.watches.removeValue(forKey: chatID) ?? []
        }
    }
}

/// What was shown in the chats.
final class FakeChat: ChatPort {
    enum Event: Equatable {
        case sent(chat: Int64, id: Int64, BotMessage)
        case edited(chat: Int64, id: Int64, BotMessage)
        case buttonsRemoved(chat: Int64, id: Int64)
        case answered(String, String?)
    }

    private let state = Mutex<(events: [Event], next: Int64, error: TelegramError?)>(([], 100, nil))

    var events: [Event] { state.withLock { $0.events } }
    func fail(with error: TelegramError?) { state.withLock { $0.error = error } }

    private func note(_ event: (Int64) -> Event) throws -> Int64 {
        try state.withLock { state in
            if let error = state.error { throw error }
            state.next += 1
            state.events.append(event(state.next))
            return state.next
        }
    }

    func send(_ message: BotMessage, to chat: Int64) async throws -> Int64? { try note { .sent(chat: chat, id: $0, message) } }
    func edit(_ message: Int64, in chat: Int64, to new: BotMessage) async throws { _ = try note { _ in .edited(chat: chat, id: message, new) } }
    func removeButtons(_ message: Int64, in chat: Int64) async throws { _ = try note { _ in .buttonsRemoved(chat: chat, id: message) } }
    func answer(_ query: String, _ text: String?) async throws { _ = try note { _ in .answered(query, text) } }
    func showTyping(in chat: Int64) async throws {}

    /// The texts of a chat in the order in which they appeared, without markup.
    func texts(_ chat: Int64) -> [String] {
        events.compactMap {
            switch $0 {
            case .sent(chat, _, let message), .edited(chat, _, let message): message.text.html
            default: nil
            }
        }
    }
}

let silent = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
