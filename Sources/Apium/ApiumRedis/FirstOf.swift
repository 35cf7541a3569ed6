import NIOCore
import Synchronization

/// Fulfils a promise once, whoever comes first.
final class FirstOf: Sendable {
    private let promise: Mutex<EventLoopPromise<Void>?>

    init(_ promise: EventLoopPromise<Void>) { self.promise = Mutex(promise) }

    func fulfil() { promise.withLock { $0.take() }?.succeed() }
}
