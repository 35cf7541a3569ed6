import CCurl

/// The transfers under way; lives on the loop's thread.
final class TransferTable {
    private let multi: UnsafeMutableRawPointer
    private var transfers: [UInt64: Transfer] = [:]

    init(multi: UnsafeMutableRawPointer) {
        self.multi = multi
    }

    var isEmpty: Bool { transfers.isEmpty }

    func begin(_ id: UInt64, plan: TransferPlan, continuation: TransferLoop.Continuation) {
        guard let easy = curl_easy_init() else {
            continuation.resume(throwing: FetchError(.system, "libcurl has no handle to give"))
            return
        }
        let transfer = Transfer(id: id, plan: plan, easy: easy, continuation: continuation)
        transfers[id] = transfer
        startHop(of: transfer)
    }

    func fail(_ id: UInt64, _ error: FetchError) {
        guard let transfer = transfers[id] else { return }
        curl_multi_remove_handle(multi, transfer.easy)
        finish(transfer, .failure(error))
    }

    func failAll(_ error: FetchError) {
        for id in Array(transfers.keys) { fail(id, error) }
    }

    /// Moves every transfer as far as it goes without waiting, and finishes those that are done.
    func step() {
        var running: Int32 = 0
        curl_multi_perform(multi, &running)
        var left: Int32 = 0
        while let message = curl_multi_info_read(multi, &left) {
            guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle else { continue }
            let code = message.pointee.data.result
            guard let transfer = Transfer.of(easy) else { continue }
            curl_multi_remove_handle(multi, easy)
            hopEnded(transfer, code)
        }
    }

    private func hopEnded(_ transfer: Transfer, _ code: CURLcode) {
        do {
            if let next = try transfer.nextHop(code) {
                transfer.hop = next
                startHop(of: transfer)
            } else {
                finish(transfer, .success(transfer.response))
            }
        } catch {
            finish(transfer, .failure(error))
        }
    }

    private func startHop(of transfer: Transfer) {
        do {
            try transfer.prepareHop()
            guard curl_multi_add_handle(multi, transfer.easy) == CURLM_OK else {
                throw FetchError(.system, "libcurl takes no further transfer")
            }
        } catch {
            finish(transfer, .failure(error as? FetchError ?? FetchError(.system, "libcurl takes no further transfer")))
        }
    }

    private func finish(_ transfer: Transfer, _ result: Result<FetchResponse, FetchError>) {
        transfers[transfer.id] = nil
        transfer.close()
        transfer.continuation.resume(with: result.mapError { $0 as any Error })
    }
}
