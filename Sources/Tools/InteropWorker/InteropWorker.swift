import Apium
import ApiumCLI
import ApiumCore
import ApiumSigning
import ApiumTelemetry
import Foundation
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
    let setup: ProcessSetup

    init() throws {
        // docs: telemetry
        let configuration = try TelemetryConfiguration(environment: ProcessInfo.processInfo.environment)
        Telemetry.bootstrap(configuration, metadata: [.currentJob])
        // docs: end
        setup = ProcessSetup(logger: Logger(label: "interop-worker"))
    }

    func prepare(_ connection: ApiumConnection) async throws -> PreparedWorker {
        var registry = JobRegistry()
        registry.registerInteropJobs()
        guard let file = setup.environment["INTEROP_HEALTH_FILE"] else { return PreparedWorker(registry: registry) }
        return PreparedWorker(registry: registry) { [HealthFile(path: file, worker: $0)] }
    }
}
