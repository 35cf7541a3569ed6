/// The queues of PriceWatch, by who waits for them.
public enum Queues {
    /// Somebody waits for the answer: adding, removing.
    public static let interactive = "interactive"
    /// Price checks, made by the schedule.
    public static let checks = "checks"
    /// Messages to chats; the bot is the worker of this queue.
    public static let notifications = "notifications"
    /// What the worker process serves, in the order in which it looks.
    public static let served = [interactive, checks]
}
