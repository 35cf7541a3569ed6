import CCurl
import Foundation
import Synchronization

/// libcurl's multi handle and the thread that alone works on it.
///
/// Everybody else only puts orders into the inbox, under its lock, and wakes the thread.
final class TransferLoop: Sendable {
    typealias Continuation = CheckedContinuation<FetchResponse, any Error>

    /// A multi handle that crosses threads.
    ///
    /// Unchecked because a raw pointer is not Sendable: apart from `curl_multi_wakeup`, which libcurl allows from any thread, only
    /// the loop's thread uses it, and wake-ups are made under the inbox's lock while `hasEnded` is false, thus before the clean-up.
    private struct Handle: @unchecked Sendable {
        let pointer: UnsafeMutableRawPointer
    }

    private struct Order: Sendable {
        var id: UInt64
        var plan: TransferPlan
        var continuation: Continuation
    }

    private struct Inbox: Sendable {
        var orders: [Order] = []
        var cancellations: [UInt64] = []
        /// Fetches that were handed over and not yet forgotten.
        var known: Set<UInt64> = []
        /// Fetches whose task was cancelled before they were handed over.
        var cancelledEarly: Set<UInt64> = []
        var isStopping = false
        var hasEnded = false
        var waitingForEnd: [CheckedContinuation<Void, Never>] = []
    }

    private static let isLibraryReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    private let handle: Handle?
    private let inbox = Mutex(Inbox())

    init(connections: Int, connectionsPerHost: Int) {
        handle = Self.isLibraryReady ? curl_multi_init().map { Handle(pointer: $0) } : nil
        guard let handle else {
            inbox.withLock {
                $0.isStopping = true
                $0.hasEnded = true
            }
            return
        }
        ccurl_multi_set_long(handle.pointer, CURLMOPT_MAX_TOTAL_CONNECTIONS, connections)
        ccurl_multi_set_long(handle.pointer, CURLMOPT_MAX_HOST_CONNECTIONS, connectionsPerHost)
        let thread = Thread { self.run(handle) }
        thread.name = "http-fetch"
        thread.start()
    }

    func start(_ id: UInt64, plan: TransferPlan, continuation: Continuation) {
        let refusal: FetchError? = inbox.withLock { inbox in
            if inbox.cancelledEarly.remove(id) != nil { return FetchError(.cancelled, "the fetch was cancelled") }
            if inbox.isStopping { return FetchError(.closed, "the fetcher is shut down") }
            inbox.known.insert(id)
            inbox.orders.append(Order(id: id, plan: plan, continuation: continuation))
            wake(inbox)
            return nil
        }
        if let refusal { continuation.resume(throwing: refusal) }
    }

    func cancel(_ id: UInt64) {
        inbox.withLock { inbox in
            guard inbox.known.contains(id) else {
                inbox.cancelledEarly.insert(id)
                return
            }
            inbox.cancellations.append(id)
            wake(inbox)
        }
    }

    func forget(_ id: UInt64) {
        inbox.withLock { inbox in
            inbox.known.remove(id)
            inbox.cancelledEarly.remove(id)
        }
    }

    func stop() {
        inbox.withLock { inbox in
            inbox.isStopping = true
            wake(inbox)
        }
    }

    func shutdown() async {
        stop()
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let hasEnded = inbox.withLock { inbox in
                if !inbox.hasEnded { inbox.waitingForEnd.append(continuation) }
                return inbox.hasEnded
            }
            if hasEnded { continuation.resume() }
        }
    }

    private func wake(_ inbox: borrowing Inbox) {
        guard !inbox.hasEnded, let handle else { return }
        curl_multi_wakeup(handle.pointer)
    }

    // MARK: The thread

    private func run(_ handle: Handle) {
        let transfers = TransferTable(multi: handle.pointer)
        while true {
            let (orders, cancellations, isStopping) = takeInbox()
            for order in orders { transfers.begin(order.id, plan: order.plan, continuation: order.continuation) }
            for id in cancellations { transfers.fail(id, FetchError(.cancelled, "the fetch was cancelled")) }
            if isStopping { break }
            transfers.step()
            // Wakes earlier for an order, for a socket, and for libcurl's own timers.
            curl_multi_poll(handle.pointer, nil, 0, transfers.isEmpty ? 60_000 : 1_000, nil)
        }
        transfers.failAll(FetchError(.closed, "the fetcher was shut down"))
        end(handle)
    }

    private func takeInbox() -> (orders: [Order], cancellations: [UInt64], isStopping: Bool) {
        inbox.withLock { inbox in
            defer {
                inbox.orders = []
                inbox.cancellations = []
            }
            return (inbox.orders, inbox.cancellations, inbox.isStopping)
        }
    }

    private func end(_ handle: Handle) {
        let waiting = inbox.withLock { inbox in
            inbox.hasEnded = true
            defer { inbox.waitingForEnd = [] }
            return inbox.waitingForEnd
        }
        curl_multi_cleanup(handle.pointer)
        for continuation in waiting { continuation.resume() }
    }
}
