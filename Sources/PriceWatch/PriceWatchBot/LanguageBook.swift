import PriceWatchModel
import Synchronization

/// The languages that chats chose, remembered so that an answer need not wait for the API. Bounded: it forgets whom it has not met for long.
final class LanguageBook: Sendable {
    private struct State {
        var known: [Int64: Language] = [:]
        /// The generation before: what is not used while `known` fills up is dropped with it.
        var older: [Int64: Language] = [:]
    }

    private let state = Mutex(State())
    private let generation: Int

    init(generation: Int = 10_000) { self.generation = generation }

    subscript(chat: Int64) -> Language? {
        get {
            state.withLock { state in
                if let language = state.known[chat] { return language }
                guard let language = state.older[chat] else { return nil }
                state.known[chat] = language
                return language
            }
        }
        set {
            state.withLock { state in
                state.known[chat] = newValue
                state.older[chat] = nil
                if state.known.count > generation {
                    state.older = state.known
                    state.known = [:]
                }
            }
        }
    }
}
