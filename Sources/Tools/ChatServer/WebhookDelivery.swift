import Foundation
import HTTPFetch
import Logging

/// Sends waiting updates to the webhook, one after the other; an answer other than 2xx is repeated with growing pauses, with the same update id.
struct WebhookDelivery: Sendable {
    let hub: ChatHub
    let fetcher: HTTPFetcher
    let logger: Logger

    func run() async {
        var failures = 0
        while await hub.webhookWork(), !Task.isCancelled {
            guard let (webhook, id, body) = await hub.webhookDelivery() else { continue }
            var request = FetchRequest(url: webhook.url, method: .post, body: [UInt8](body.encoded))
            request.headers.add(name: "Content-Type", value: "application/json")
            if let secret = webhook.secret { request.headers.add(name: "X-Telegram-Bot-Api-Secret-Token", value: secret) }
            let reason: String
            do {
                let response = try await fetcher.fetch(request)
                if (200..<300).contains(response.status) {
                    failures = 0
                    await hub.webhookDelivered(id)
                    continue
                }
                reason = "Wrong response from the webhook: \(response.status)"
            } catch {
                reason = "Connection refused"
                logger.debug("the webhook cannot be reached", metadata: ["error": "\(error)"])
            }
            await hub.webhookFailed(reason)
            failures = min(failures + 1, 6)
            try? await Task.sleep(for: .seconds(1 << failures) / 4)
        }
    }
}
