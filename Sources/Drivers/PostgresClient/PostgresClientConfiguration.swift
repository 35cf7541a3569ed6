import CPostgres

/// Where the server is, and how the client shares its connections.
public struct PostgresClientConfiguration: Sendable {
    /// libpq's keywords and values, as parsed from the connection string; holds the password, hence never printed.
    var parameters: [String: String]

    /// Connections that all single statements share by pipelining. Default 2.
    public var sharedConnections = 2
    /// Connections that transactions and sessions borrow one each, opened on demand. Default 8.
    public var leasedConnections = 8
    /// Statements under way on one shared connection at a time; the rest wait in the client. Default 64.
    public var pipelineDepth = 64
    /// Queries and leases that may be waiting or under way in all; one more is refused. Default 10,000.
    public var maximumWaiting = 10_000
    /// How long a query may wait to be sent, and a transaction for its connection. Default 5 s.
    public var acquireTimeout: Duration = .seconds(5)
    /// How long one attempt to connect may take. Default 5 s.
    public var connectTimeout: Duration = .seconds(5)
    /// The server's limit for one statement. Default 30 s.
    public var statementTimeout: Duration = .seconds(30)
    /// How much longer than the statement timeout a server may leave a statement unanswered before its connection is given up.
    /// Default 5 s.
    public var silenceGrace: Duration = .seconds(5)
    /// The first pause between two attempts to connect; it doubles, with jitter. Default 100 ms.
    public var reconnectBackoff: Duration = .milliseconds(100)
    /// The longest pause between two attempts to connect. Default 5 s.
    public var maximumReconnectBackoff: Duration = .seconds(5)
    /// How long `shutdown()` lets queries under way finish. Default 10 s.
    public var shutdownGrace: Duration = .seconds(10)
    /// Prepared statements kept per connection; texts beyond it are sent unprepared. Default 256.
    public var preparedStatements = 256

    /// Parses a `postgres://` URL or a libpq connection string (`host=… dbname=…`).
    ///
    /// - Throws: `PostgresError` with code `configuration` when libpq cannot read it.
    public init(_ connectionString: String) throws {
        var complaint: UnsafeMutablePointer<CChar>?
        guard !connectionString.utf8.contains(0), let options = PQconninfoParse(connectionString, &complaint) else {
            PQfreemem(complaint)  // libpq's sentence may quote the password: it is not passed on
            throw PostgresError(
                .configuration,
                "the connection string cannot be read: expected postgres://user:password@host:port/database or libpq's keyword=value pairs")
        }
        defer { PQconninfoFree(options) }
        parameters = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { parameters[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
    }

    /// Checks every number.
    ///
    /// - Throws: `PostgresError` with code `configuration` naming the field and the rule.
    public func validate() throws {
        let counts = [
            ("sharedConnections", sharedConnections), ("leasedConnections", leasedConnections), ("pipelineDepth", pipelineDepth),
            ("maximumWaiting", maximumWaiting),
        ]
        for (name, value) in counts where value < 1 { throw PostgresError(.configuration, "\(name) must be at least 1, not \(value)") }
        guard preparedStatements >= 0 else { throw PostgresError(.configuration, "preparedStatements must not be negative") }
        let times = [
            ("acquireTimeout", acquireTimeout), ("connectTimeout", connectTimeout), ("statementTimeout", statementTimeout), ("silenceGrace", silenceGrace),
            ("reconnectBackoff", reconnectBackoff), ("maximumReconnectBackoff", maximumReconnectBackoff),
        ]
        for (name, value) in times where value < .milliseconds(1) || value > .seconds(86_400) {
            throw PostgresError(.configuration, "\(name) must be between 1 ms and one day, not \(value)")
        }
    }
}

extension PostgresClientConfiguration: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// User, host, port and database; never the password.
    public var description: String {
        let host = parameters["host"] ?? parameters["hostaddr"] ?? "localhost"
        return "postgres://\(parameters["user"] ?? "")@\(host):\(parameters["port"] ?? "5432")/\(parameters["dbname"] ?? "")"
    }

    /// The same as `description`.
    public var debugDescription: String { description }

    /// Shows the description alone, so that `dump` prints no password either.
    public var customMirror: Mirror { Mirror(self, children: ["server": description]) }
}

extension PostgresClientConfiguration {
    /// What every connection is opened with: the caller's parameters, and settings on which the text format relies.
    var connectionParameters: [String: String] {
        var result = parameters
        result["client_encoding"] = "UTF8"
        for (key, value) in [("keepalives_idle", "30"), ("keepalives_interval", "10"), ("keepalives_count", "3"), ("tcp_user_timeout", "30000")]
        where result[key] == nil {
            result[key] = value
        }
        let settings = "-c timezone=UTC -c datestyle=ISO -c bytea_output=hex -c extra_float_digits=1 -c statement_timeout=\(statementTimeout.milliseconds)"
        result["options"] = [result["options"], settings].compactMap { $0 }.joined(separator: " ")
        return result
    }
}

extension Duration {
    /// Whole milliseconds, rounded down.
    var milliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }

    /// Whole nanoseconds, rounded down.
    var nanoseconds: Int64 { components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000 }
}
