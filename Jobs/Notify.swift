import ApiumCore
import PriceWatchModel

/// Tells one user of one change. The bot runs it (`PriceWatchBot` adds how); the worker only knows its name and arguments.
public struct Notify: JobDefinition {
    public static let name = "pricewatch.notify"
    /// Kept trying for about a day: a bot that is down costs nothing, a Telegram that is down is waited for.
    public static let options = JobOptions(queue: Queues.notifications, retry: .exponential(attempts: 150, base: .seconds(2), maximum: .seconds(600)))
    public typealias Output = Delivery

    /// What to tell whom.
    public var notification: Notification

    /// Makes the job.
    public init(_ notification: Notification) { self.notification = notification }

    /// The id of the job of an outbox row.
    ///
    /// - Parameter key: the row's random part, by which it differs from the row of the same number in a database that was restored; `nil` for rows
    ///   that were written before there was one.
    public static func id(outbox: Int64, key: String?) -> String { key.map { "notify-\(outbox)-\($0)" } ?? "notify-\(outbox)" }

    /// What became of it.
    public enum Delivery: String, Codable, Sendable {
        /// Sent.
        case sent
        /// An earlier run of this row had sent it.
        case alreadySent = "already_sent"
        /// The user has blocked the bot.
        case blocked
        /// The user's quiet hours had begun: it is sent by another job when they end.
        case rested
    }
}
