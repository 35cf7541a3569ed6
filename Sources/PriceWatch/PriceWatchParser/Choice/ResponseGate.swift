import HTTPFetch
import PriceWatchModel

/// Refuses what need not be read: answers that are no page, and pages that only say that the robot was noticed.
enum ResponseGate {
    /// - Throws: ``ParseFault`` when the answer can hold no product.
    static func check(_ response: FetchResponse, host: String) throws(ParseFault) {
        let retryAfter = response.headers["Retry-After"].flatMap { RetryAfter.seconds($0, date: response.headers["Date"]) }
        switch response.status {
        case 200..<300: break
        case 404, 410: throw ParseFault(.notFound, "\(host) answers \(response.status)")
        case 401, 403, 407, 418, 429, 498: throw ParseFault(.blocked, "\(host) answers \(response.status)", retryAfter: retryAfter)
        case 503 where isChallenge(response): throw ParseFault(.blocked, "\(host) answers 503 with a challenge", retryAfter: retryAfter)
        default: throw ParseFault(.unreachable, "\(host) answers \(response.status)", retryAfter: retryAfter)
        }
        let type = (response.headers["Content-Type"] ?? "text/html").lowercased().prefix { $0 != ";" }.filter { !$0.isWhitespace }
        guard type.hasPrefix("text/html") || type.hasPrefix("application/xhtml") || type.isEmpty || type == "text/plain" else {
            throw ParseFault(.notAProduct, "\(host) answers with something that is no page")
        }
    }

    /// What a page without any product says by its title and first heading.
    static func fault(ofPageWithoutProduct facts: PageFacts, host: String) -> ParseFault {
        let words = facts.names.map { $0.lowercased() }
        if words.contains(where: { text in challenges.contains { text.contains($0) } }) { return ParseFault(.blocked, "\(host) asks whether this is a robot") }
        let path = facts.canonicalLink.flatMap { ProductLink($0)?.path } ?? ""
        if path.hasSuffix("/404") || words.contains(where: { text in missing.contains { text.contains($0) } }) {
            return ParseFault(.notFound, "\(host) says that the page does not exist")
        }
        return ParseFault(.notAProduct, "the page of \(host) describes no single product")
    }

    private static func isChallenge(_ response: FetchResponse) -> Bool {
        let head = String(decoding: response.body.prefix(20_000), as: UTF8.self).lowercased()
        return challenges.contains { head.contains($0) }
    }

    private static let challenges = [
        "captcha", "капча", "just a moment", "attention required", "access denied", "доступ ограничен", "доступ запрещ", "are you a robot", "вы не робот",
        "verify you are human", "подтвердите, что", "проверка браузера", "checking your browser", "antibot", "ddos-guard", "qrator", "unusual traffic",
    ]
    private static let missing = [
        "404", "page not found", "страница не найдена", "товар не найден", "product not found", "nicht gefunden", "такой страницы нет",
        "страница не существует", "page introuvable", "no longer exists", "товар удал",
    ]
}
