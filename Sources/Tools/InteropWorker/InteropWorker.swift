import Apium
import ApiumCLI
import ApiumCore
import ApiumSigning
import Logging
import RedisTLS

/// A worker with small jobs that Celery's own client calls in Tests/Interop.
@main
struct InteropWorker {
    static func main() async {
        MessageSigning.enable()
        RedisTLS.enable()
        await WorkerCommand<InteropApplication>.main()
    }
}

/// The worker's jobs; settings are the command line's.
struct InteropApplication: WorkerApplication {
    let setup = ProcessSetup(logger: Logger(label: "interop-worker", factory: { StreamLogHandler.standardError(label: $0) }))

    func prepare(_ connection: ApiumConnection) async throws -> PreparedWorker {
        var registry = JobRegistry()
        registry.registerInteropJobs()
        guard let file = setup.environment["INTEROP_HEALTH_FILE"] else { return PreparedWorker(registry: registry) }
        return PreparedWorker(registry: registry) { [HealthFile(path: file, worker: $0)] }
    }
}
