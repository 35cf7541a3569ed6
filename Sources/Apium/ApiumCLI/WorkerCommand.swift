import Apium
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

    /// The queues to serve when neither the command line nor `$APIUM_QUEUES` names any. Default: `celery`.
    var defaultQueues: [String] { get }

    /// Opens what the jobs work with and registers them.
    func prepare(_ connection: ApiumConnection) async throws -> PreparedWorker
}

/// What a process begins with.
public struct ProcessSetup: Sendable {
    /// The process' logger.
    public var logger: Logger
    /// The settings that the command line's options fall back to: `APIUM_BROKER_URL`, `APIUM_QUEUES` and so on. Default: the
    /// process' environment; a program that reads a `.env` file merges it in here.
    public var environment: [String: String]

    /// Makes the value.
    public init(logger: Logger, environment: [String: String] = ProcessInfo.processInfo.environment) {
        self.logger = logger
        self.environment = environment
    }
}

extension WorkerApplication {
    public var defaultQueues: [String] { ["celery"] }
}

/// The jobs of a program and what runs beside them.
public struct PreparedWorker: Sendable {
    /// The jobs.
    public var registry: JobRegistry
    /// Started before the worker and stopped after it: clients, pools.
    public var services: [any Service]
    /// Started beside the worker, once there is one: health and metrics endpoints.
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
            discussion: "SIGTERM and SIGINT stop claiming and let running jobs end within the grace period; what is left goes back to its queue.")
    }

    @OptionGroup var connection: ConnectionOptions
    @Option(name: [.customShort("Q"), .long], help: "The queues, separated by commas. Default: $APIUM_QUEUES, else the program's own.") var queues: String?
    @Option(name: .shortAndLong, help: "How many jobs run at once. Default: $APIUM_CONCURRENCY, else 16.") var concurrency: Int?
    @Option(name: [.customShort("n"), .customLong("hostname"), .long], help: "The node name, NAME@HOST; %h is the host. Default: apium@%h.") var name =
        "apium@%h"
    @Option(help: "Seconds that running jobs have after SIGTERM.") var grace: Double = 25
    @Option(help: "Seconds without a renewal after which the jobs run elsewhere.") var lease: Double = 5
    @Option(help: "Where jobs run: tasks (in this process, isolated ones in child processes) or processes (all in child processes).") var pool =
        IsolationOptions.Pool.tasks
    @Option(help: "Replace a child process after so many jobs; 0: never.") var maxTasksPerChild = 0
    @Option(help: "Replace a child process that holds more than so many KiB of memory after a job; 0: whatever it holds.") var maxMemoryPerChild = 0
    @Flag(help: "Store results with name, arguments, worker and queue.") var resultExtended = false
    @Flag(name: [.customShort("E"), .customLong("task-events")], help: "Begin with events about jobs on, for monitors such as Flower.") var taskEvents = false
    @Flag(help: "Send no events about the worker itself.") var withoutHeartbeat = false

    public init() {}

    public func run() async throws {
        try await reportingFaults {
            let application = try Application()
            let open = try connection.connect(application.setup)
            do {
                if ChildMode.isChild { try await serveAsChild(application, open) } else { try await serve(application, open) }
                await open.shutdown()
            } catch {
                await open.shutdown()
                throw error
            }
        }
    }

    /// The same program as a child of a worker: prepared as that is, and handed its jobs over a channel. It has no endpoints of its own,
    /// and it ends when the worker says so or is gone, not by signals of the terminal.
    private func serveAsChild(_ application: Application, _ open: ApiumConnection) async throws {
        let logger = application.setup.logger
        let prepared = try await application.prepare(open)
        let server = try ChildServer(client: open.client, registry: prepared.registry, name: try settings(open, application).name, logger: logger)
        var services = prepared.services.map { ServiceGroupConfiguration.ServiceConfiguration(service: $0) }
        services.append(.init(service: server, successTerminationBehavior: .gracefullyShutdownGroup))
        try await ServiceGroup(configuration: ServiceGroupConfiguration(services: services, logger: logger)).run()
    }

    private func serve(_ application: Application, _ open: ApiumConnection) async throws {
        let logger = application.setup.logger
        let prepared = try await application.prepare(open)
        let worker = try Worker(client: open.client, registry: prepared.registry, configuration: try settings(open, application), logger: logger)
        // A worker that was told to stop by remote control takes the process with it, as a signal would.
        let services: [ServiceGroupConfiguration.ServiceConfiguration] =
            prepared.services.map { .init(service: $0) } + [.init(service: worker, successTerminationBehavior: .gracefullyShutdownGroup)]
            + prepared.companions(worker).map { .init(service: $0) }
        var configuration = ServiceGroupConfiguration(services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        configuration.maximumGracefulShutdownDuration = .seconds(grace + 10)
        try await ServiceGroup(configuration: configuration).run()
    }

    private func settings(_ open: ApiumConnection, _ application: Application) throws -> WorkerConfiguration {
        let environment = application.setup.environment
        let queues = (queues ?? environment["APIUM_QUEUES"].nonEmpty)?.split(separator: ",").map(String.init)
        var concurrency = concurrency
        if concurrency == nil, let text = environment["APIUM_CONCURRENCY"].nonEmpty {
            guard let number = Int(text) else { throw ApiumError(.invalidConfiguration, "APIUM_CONCURRENCY is \"\(text)\"; it takes a whole number") }
            concurrency = number
        }
        guard grace.isFinite, lease.isFinite else { throw ApiumError(.invalidConfiguration, "--grace and --lease are numbers of seconds") }
        var configuration = WorkerConfiguration(
            name: name.replacing("%h", with: ProcessInfo.processInfo.hostName), queues: queues ?? application.defaultQueues, concurrency: concurrency ?? 16,
            lease: .seconds(lease), gracePeriod: .seconds(grace), resultExtended: resultExtended, resultsTravelWithCompletion: open.resultsAreOnBroker,
            isolation: IsolationOptions(isSupported: true, pool: pool, maxJobsPerChild: maxTasksPerChild, maxMemoryPerChild: maxMemoryPerChild))
        configuration.monitoring.taskEvents = taskEvents
        if withoutHeartbeat { configuration.monitoring.heartbeat = nil }
        configuration.monitoring.settings["result_backend"] = .string(open.backendURL)
        return configuration
    }
}

extension IsolationOptions.Pool: ExpressibleByArgument {}
