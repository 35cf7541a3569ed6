import Apium
import ApiumCLI
import ApiumConfiguration
import ApiumCore
import ApiumYAML
import Logging
import ServiceLifecycle

/// A worker that serves the tasks of Celery's own integration suite.
@main
struct SuiteWorker {
    static func main() async { await WorkerCommand<SuiteApplication>.main() }
}

/// The suite's tasks; settings are the command line's.
struct SuiteApplication: WorkerApplication {
    let setup: ProcessSetup

    init() {
        var defaults = ApiumSettings()
        defaults.serializers = [.json, .yaml]
        defaults.acceptedContent = AcceptedContent([.json, .yaml])
        // Whoever watches the suite's queues from outside may take a body without `body_encoding` for base 64.
        defaults.brokerOptions.bodyEncoding = .base64
        setup = ProcessSetup(logger: Logger(label: "suite-worker", factory: { StreamLogHandler.standardError(label: $0) }), defaults: defaults)
    }

    func prepare(_ connection: ApiumConnection) async throws -> PreparedWorker {
        let marks = try SideChannel(environment: setup.environment, logger: setup.logger)
        return PreparedWorker(registry: SuiteTasks.registry(marks: marks, logger: setup.logger), services: [SideChannelService(marks: marks)])
    }
}

/// Closes the side channel when the worker has stopped.
private struct SideChannelService: Service {
    let marks: SideChannel

    func run() async throws {
        try? await gracefulShutdown()
        await marks.shutdown()
    }
}
