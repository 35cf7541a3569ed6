import Apium
import ApiumCore
import ApiumRedis
import ApiumWorker
import Logging
import RedisClient

extension ApiumSettings {
    /// The broker's server, as URL, transport options and TLS say together.
    ///
    /// - Throws: ``ApiumError`` `invalidConfiguration`.
    public func brokerConfiguration() throws -> RedisConfiguration {
        try configuration(brokerURL, "broker_url", brokerOptions, brokerTLS, connectTimeout: brokerConnectionTimeout)
    }

    /// The results' server; the broker's when none is named.
    ///
    /// - Throws: ``ApiumError`` `invalidConfiguration`.
    public func resultConfiguration() throws -> RedisConfiguration {
        guard let resultBackend else {
            var shared = try brokerConfiguration()
            resultOptions.apply(to: &shared)
            return shared
        }
        return try configuration(resultBackend, "result_backend", resultOptions, resultTLS, connectTimeout: nil)
    }

    private func configuration(
        _ url: String, _ name: String, _ options: TransportOptions, _ tls: RedisTLSOptions?, connectTimeout: Duration?
    ) throws -> RedisConfiguration {
        var configuration: RedisConfiguration
        do {
            configuration = try RedisConfiguration(url: url)
        } catch {
            throw ApiumError(.invalidConfiguration, "\(name) cannot be used", underlying: error)
        }
        if let connectTimeout { configuration.connectTimeout = connectTimeout }
        if let tls { configuration.tls = tls }
        options.apply(to: &configuration)
        if case .sentinel(let sentinels) = configuration.address, sentinels.masterName.isEmpty {
            throw ApiumError(
                .invalidConfiguration, "\(name) names sentinels but no master; add the transport option master_name, or ?master_name=… to the URL")
        }
        if configuration.tls != nil, case .unix = configuration.address {
            throw ApiumError(.invalidConfiguration, "\(name) is a socket of this machine, which has no TLS; leave out the ssl options")
        }
        return configuration
    }

    /// How the broker's server is used.
    public var redisOptions: RedisBrokerOptions {
        var options = RedisBrokerOptions(
            globalKeyPrefix: brokerOptions.globalKeyPrefix, prioritySteps: brokerOptions.prioritySteps, separator: brokerOptions.separator,
            declaredBindings: router.declaredBindings)
        options.fanoutPrefix = brokerOptions.fanoutPrefix
        options.fanoutPatterns = brokerOptions.fanoutPatterns
        options.unacked = brokerOptions.unacked
        options.taskContent = acceptedContent
        options.controlContent = controlContent
        if taskFormat.serializer.isSigning { options.controlSerializer = taskFormat.serializer }
        options.crashLimit = workerCrashLimit
        options.queueLimits = router.queueLimits
        options.results = RedisResultOptions(
            keyPrefix: resultOptions.globalKeyPrefix, expires: resultExpires, failureExpires: resultFailureExpires, chordExpires: resultChordExpires,
            chordJoinTimeout: resultChordJoinTimeout, chordsAreOrdered: resultOptions.chordsAreOrdered, compression: resultCompression,
            acceptedContent: readableResults)
        return options
    }

    /// Opens connections to broker and results: nothing is reached for before the first call. The files that TLS needs are read, so that
    /// a program with a wrong one doesn't start.
    ///
    /// - Throws: ``ApiumError`` `invalidConfiguration`, with everything that is wrong.
    public func connect(logger: Logger) throws -> ApiumConnection {
        let (broker, results) = (try brokerConfiguration(), try resultConfiguration())
        var faults = Self.encryptionFaults(broker, "broker_url")
        if resultBackend != nil { faults += Self.encryptionFaults(results, "result_backend") }
        guard faults.isEmpty else { throw ApiumError(.invalidConfiguration, faults.joined(separator: "; ")) }
        var connection = ApiumConnection(broker: broker, results: results, router: router, options: redisOptions, logger: logger)
        connection.client.format = taskFormat
        connection.client.format.transferEncoding = brokerOptions.bodyEncoding
        connection.client.controlExchange = monitoring.controlExchange + ".pidbox"
        return connection
    }

    private static func encryptionFaults(_ configuration: RedisConfiguration, _ name: String) -> [String] {
        var encryptions = [configuration.tls]
        if case .sentinel(let sentinels) = configuration.address, sentinels.tls != configuration.tls { encryptions.append(sentinels.tls) }
        return encryptions.compactMap(\.self).flatMap { RedisTLSSupport.faults(of: $0) }.map { "\(name): \($0)" }
    }

    /// How a worker runs.
    ///
    /// - Parameters:
    ///   - host: this machine's name, for `%h` in the node name.
    ///   - queues: what the worker serves unless the settings name its queues; nil: the declared queues, else the default queue.
    ///   - resultsAreOnBroker: whether a job's end and its result can be one step; see `ApiumConnection`.
    public func workerConfiguration(host: String, queues: [String]? = nil, resultsAreOnBroker: Bool) -> WorkerConfiguration {
        var configuration = WorkerConfiguration(
            name: workerName.replacing("%h", with: host), queues: workerQueues ?? queues ?? router.servedQueues, concurrency: workerConcurrency,
            lease: workerLease, gracePeriod: workerGracePeriod, resultExtended: resultExtended, resultsTravelWithCompletion: resultsAreOnBroker,
            isolation: IsolationOptions(
                isSupported: true, pool: workerPool, maxJobsPerChild: workerMaxTasksPerChild, maxMemoryPerChild: workerMaxMemoryPerChild,
                crashLimit: workerCrashLimit),
            joinTimeout: resultChordJoinTimeout, leakedSlotLimit: workerLeakedSlotLimit, acceptedContent: acceptedContent)
        configuration.messageSizeLimit = workerMaxMessageSize
        configuration.monitoring = monitoring
        // What `inspect conf` shows beside the worker's own.
        for definition in SettingDefinition.all where definition.isCelerys {
            let value = definition.show(self)
            if value != .null { configuration.monitoring.settings[definition.name] = value }
        }
        return configuration
    }

    /// How a worker runs that is a part of another program and serves queues of its own: what it accepts, keeps to and tells of itself is as the settings
    /// say, and `worker_name`, `worker_queues`, `worker_concurrency` and the settings of child processes are another's.
    ///
    /// - Parameters:
    ///   - name: its node name.
    ///   - queues: what it serves.
    ///   - concurrency: how many jobs run at a time.
    ///   - resultsAreOnBroker: see ``workerConfiguration(host:queues:resultsAreOnBroker:)``.
    public func workerConfiguration(name: String, serving queues: [String], concurrency: Int, resultsAreOnBroker: Bool) -> WorkerConfiguration {
        var configuration = workerConfiguration(host: "", resultsAreOnBroker: resultsAreOnBroker)
        configuration.name = name
        configuration.queues = queues
        configuration.concurrency = concurrency
        configuration.isolation = IsolationOptions()
        return configuration
    }
}
