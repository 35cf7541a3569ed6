import Apium
import ApiumCLI
import ApiumCore
import Foundation
import Logging

/// A worker whose jobs write down that they run; Tests/Chaos/chaos/tasks.py has the same for Celery.
@main
struct ChaosWorker {
    static func main() async { await WorkerCommand<ChaosApplication>.main() }
}

/// The worker's jobs; settings are the command line's.
struct ChaosApplication: WorkerApplication {
    let setup = ProcessSetup(logger: Logger(label: "chaos-worker", factory: { StreamLogHandler.standardError(label: $0) }))

    func prepare(_ connection: ApiumConnection) async throws -> PreparedWorker {
        let path = setup.environment["CHAOS_LEDGER"] ?? "/dev/null"
        return PreparedWorker(registry: ChaosJobs.registry(try Ledger(path: path)))
    }
}
