import Apium
import ApiumConfiguration
import ApiumWorker
import ArgumentParser
import Foundation
import Logging
import ServiceLifecycle

/// A program with jobs: what the worker subcommand needs of it.
public protocol WorkerApplication {
    /// Sets the process up; called once, before anything else: the place to read settings and to bootstrap logging and metrics.
    init() throws

    /// What the process begins with.
    var setup: ProcessSetup { get }

    /// The queues to serve when the settings name none (`worker_queues`). Default: none, which are the declared queues
    /// (`task_queues`), else the default queue, `celery`.
    var defaultQueues: [String] { get }

    /// Opens what the jobs work with and registers them.
    func prepare(_ connection: ApiumConnection) async throws -> PreparedWorker
}

/// What a process begins with.
public struct ProcessSetup: Sendable {
    /// The process' logger.
    public var logger: Logger
    /// The settings that the command line's options fall back to: `APIUM_BROKER_URL`, `APIUM_QUEUES` and so on. Default: the
    /// process' environment; a program that reads a `.env` file itself merges it in here.
    public var environment: [String: String]
    /// A file in the form of `.env` whose values stand below the environment's. Default: `.env` in the working directory.
    public var environmentFile: String?
    /// What counts where neither command line, environment nor file says anything, and the serialisations that the program brings
    /// (``ApiumSettings/serializers``). Default: `ApiumSettings()`.
    public var defaults: ApiumSettings

    /// Makes the value.
    public init(
        logger: Logger, environment: [String: String] = ProcessInfo.processInfo.environment, environmentFile: String? = ".env",
        defaults: ApiumSettings = ApiumSettings()
    ) {
        self.logger = logger
        self.environment = environment
        self.environmentFile = environmentFile
        self.defaults = defaults
    }
}

extension WorkerApplication {
    public var defaultQueues: [String] { [] }
}

/// The jobs of a program and what runs beside them.
public struct PreparedWorker: Sendable {
    /// The jobs.
    public var registry: JobRegistry
    /// Started before the worker and stopped after it: clients, pools.
    public var services: [any Service]
    /// Started before all others and stopped last, so that the worker is seen while it stops: health and metrics endpoints.
    public var companions: @Sendable (Worker) -> [any Service]

    /// Makes the value.
    public init(registry: JobRegistry, services: [any Service] = [], companions: @escaping @Sendable (Worker) -> [any Service] = { _ in [] }) {
        self.registry = registry
        self.services = services
        self.companions = companions
    }
}

/// `worker`: runs a program's jobs until SIGTERM or SIGINT.
public struct WorkerCommand<Application: WorkerApplication>: AsyncParsableCommand {
    public static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "worker", abstract: "Run jobs.",
            discussion: """
                SIGTERM and SIGINT stop claiming and let running jobs end within the grace period; what is left goes back to the front of its \
                queue. A second one cancels them at once, with 3 seconds to end; SIGQUIT gives everything back without waiting. The exit code \
                is 0 in each case, 75 when jobs that did not react to being stopped hold too many slots, 64 for wrong settings, 69 when the \
                broker is of no use.
                """)
    }

    @OptionGroup var connection: ConnectionOptions
    @Option(name: [.customShort("Q"), .long], help: "The queues, separated by commas (worker_queues, $APIUM_QUEUES). Default: the program's own.")
    var queues: String?
    @Option(name: .shortAndLong, help: "How many jobs run at once (worker_concurrency, $APIUM_CONCURRENCY). Default: 16.") var concurrency: Int?
    @Option(
        name: [.customShort("n"), .customLong("hostname"), .long], help: "The node name, NAME@HOST; %h is the host (worker_name). Default: apium@%h.")
    var name: String?
    @Option(help: "Seconds that running jobs have after SIGTERM (worker_grace_period). Default: 25.") var grace: Double?
    @Option(help: "Seconds without a renewal after which the jobs run elsewhere (worker_lease). Default: 5.") var lease: Double?
    @Option(
        help:
            "Where jobs run: tasks (in this process, isolated ones in child processes) or processes (all in child processes) (worker_pool). Default: tasks.")
    var pool: String?
    @Option(help: "Replace a child process after so many jobs; 0: never (worker_max_tasks_per_child).") var maxTasksPerChild: Int?
    @Option(help: "Replace a child process that holds more than so many KiB after a job; 0: whatever it holds (worker_max_memory_per_child).")
    var maxMemoryPerChild: Int?
    @Option(help: "Answer /live, /ready and /metrics at HOST:PORT (metrics_address, $APIUM_METRICS). Default: nowhere.") var metrics: String?
    @Flag(help: "Store results with name, arguments, worker and queue (result_extended).") var resultExtended = false
    @Flag(
        name: [.customShort("E"), .customLong("task-events")],
        help: "Begin with events about jobs on, for monitors such as Flower (worker_send_task_events).") var taskEvents = false
    @Flag(help: "Send no events about the worker itself.") var withoutHeartbeat = false
    @Option(help: "Seconds between two events that tell that the worker is there; at least 0.1. Default: 5.") var heartbeatInterval: Double = 5

    public init() {}

    public func validate() throws {
        guard heartbeatInterval >= 0.1, heartbeatInterval < 1e6 else { throw ValidationError("--heartbeat-interval takes seconds, at least 0.1") }
    }

    public func run() async throws {
        try await reportingFaults {
            let application = try Application()
            let logger = application.setup.logger
            let loaded = try connection.settings(application.setup, arguments: arguments)
            if !ChildMode.isChild { loaded.log(to: logger) }
            // Before anything is counted.
            let endpoint = ChildMode.isChild ? nil : try MetricsEndpoint(loaded.settings, logger: logger)
            let open = try loaded.settings.connect(logger: logger)
            do {
                let prepared = try await application.prepare(open)
                let program = Program(
                    application: application, settings: loaded.settings, connection: open, prepared: prepared, endpoint: endpoint,
                    heartbeat: withoutHeartbeat ? nil : .seconds(heartbeatInterval))
                if ChildMode.isChild { try await program.serveAsChild() } else { try await program.serve() }
                await open.shutdown()
            } catch {
                await open.shutdown()
                throw error
            }
        }
    }

    private var arguments: [SettingsReader.Argument?] {
        [
            ConnectionOptions.argument("worker_queues", queues, "--queues"), ConnectionOptions.argument("worker_concurrency", concurrency, "--concurrency"),
            ConnectionOptions.argument("worker_name", name, "--hostname"), ConnectionOptions.argument("worker_grace_period", grace, "--grace"),
            ConnectionOptions.argument("worker_lease", lease, "--lease"), ConnectionOptions.argument("worker_pool", pool, "--pool"),
            ConnectionOptions.argument("worker_max_tasks_per_child", maxTasksPerChild, "--max-tasks-per-child"),
            ConnectionOptions.argument("worker_max_memory_per_child", maxMemoryPerChild, "--max-memory-per-child"),
            ConnectionOptions.argument("metrics_address", metrics, "--metrics"),
            ConnectionOptions.argument("result_extended", resultExtended ? true : nil, "--result-extended"),
            ConnectionOptions.argument("worker_send_task_events", taskEvents ? true : nil, "--task-events"),
        ]
    }

    /// The program with everything it was prepared with.
    private struct Program {
        let application: Application
        let settings: ApiumSettings
        let connection: ApiumConnection
        let prepared: PreparedWorker
        let endpoint: MetricsEndpoint?
        let heartbeat: Duration?

        var logger: Logger { application.setup.logger }
        var registry: JobRegistry { prepared.registry.completed(by: settings.jobDefaults) }

        var configuration: WorkerConfiguration {
            var configuration = settings.workerConfiguration(
                host: ProcessInfo.processInfo.hostName, queues: application.defaultQueues.isEmpty ? nil : application.defaultQueues,
                resultsAreOnBroker: connection.resultsAreOnBroker)
            configuration.monitoring.heartbeat = heartbeat
            configuration.monitoring.settings["result_backend"] = .string(connection.backendURL)
            return configuration
        }

        /// The same program as a child of a worker: prepared as that is, and handed its jobs over a channel. It has no endpoints of its own,
        /// and it ends when the worker says so or is gone, not by signals of the terminal.
        func serveAsChild() async throws {
            let server = try ChildServer(
                client: connection.client, registry: registry, name: configuration.name, acceptedContent: configuration.acceptedContent, logger: logger)
            var services = prepared.services.map { ServiceGroupConfiguration.ServiceConfiguration(service: $0) }
            services.append(.init(service: server, successTerminationBehavior: .gracefullyShutdownGroup))
            try await ServiceGroup(configuration: ServiceGroupConfiguration(services: services, logger: logger)).run()
        }

        func serve() async throws {
            let worker = try Worker(client: connection.client, registry: registry, configuration: configuration, logger: logger)
            // What tells of the worker outlives it, so that it is seen while it stops. A worker that was told to stop by remote control takes
            // the process with it, as a signal would.
            let watchers: [any Service] = [endpoint?.server(of: worker)].compactMap(\.self) + prepared.companions(worker)
            let services: [ServiceGroupConfiguration.ServiceConfiguration] =
                watchers.map { .init(service: $0) } + prepared.services.map { .init(service: $0) }
                + [.init(service: worker, successTerminationBehavior: .gracefullyShutdownGroup)]
            var whole = ServiceGroupConfiguration(services: services, logger: logger)
            whole.maximumGracefulShutdownDuration = settings.workerGracePeriod + .seconds(10)
            let group = ServiceGroup(configuration: whole)
            let signals = ShutdownSignals(worker: worker, group: group, logger: logger)
            let obeying = Task { await signals.obey() }
            defer { obeying.cancel() }
            try await group.run()
        }
    }
}
