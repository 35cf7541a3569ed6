/// The names of kombu's fanout channels (celery-wire 4.6): `/<db>.<exchange>`, and `/<db>.<exchange>/<routing key>`.
///
/// Channels ignore which database is selected; that is what the number in the name is for.
struct FanoutChannels: Sendable, Hashable {
    /// The `global_keyprefix`, in front of everything.
    var keyPrefix: String
    /// kombu's `fanout_prefix`, with `{db}` for the database's number; empty for none.
    var fanoutPrefix: String
    /// kombu's `fanout_patterns`: whether the routing key is part of the name.
    var usesPatterns: Bool
    var database: Int

    init(_ broker: RedisBroker) {
        keyPrefix = broker.keys.prefix
        fanoutPrefix = broker.options.fanoutPrefix
        usesPatterns = broker.options.fanoutPatterns
        database = broker.configuration.database
    }

    init(keyPrefix: String = "", fanoutPrefix: String = "/{db}.", usesPatterns: Bool = true, database: Int) {
        self.keyPrefix = keyPrefix
        self.fanoutPrefix = fanoutPrefix
        self.usesPatterns = usesPatterns
        self.database = database
    }

    /// The channel of a message.
    func channel(_ exchange: String, _ routingKey: String = "") -> String {
        let name = keyPrefix + fanoutPrefix.replacing("{db}", with: String(database)) + exchange
        return usesPatterns && !routingKey.isEmpty ? "\(name)/\(routingKey)" : name
    }

    /// The pattern of everything that is published to an exchange, under whatever routing key.
    func pattern(_ exchange: String) -> String {
        let name = FanoutChannels.escaped(channel(exchange))
        return usesPatterns ? "\(name)/*" : name
    }

    /// A name as a pattern of Redis that matches nothing else.
    private static func escaped(_ name: String) -> String {
        var pattern = ""
        for character in name {
            if "*?[]\\".contains(character) { pattern.append("\\") }
            pattern.append(character)
        }
        return pattern
    }
}
