import Apium
import ApiumCLI
import ArgumentParser
import Logging

// docs: isolated
/// A job that cannot be stopped from inside: it runs in a child process, which can be killed.
struct Transcode: Job {
    static let name = "media.transcode"
    static let options = JobOptions(timeLimit: .milliseconds(500), isolated: true)

    func run(in context: JobContext) async throws -> NoOutput {
        while true {}
    }
}
// docs: end

// docs: program
/// A program with jobs: `worker` runs them, and the program is its own child process.
@main
struct ExampleWorker: WorkerApplication {
    let setup = ProcessSetup(logger: Logger(label: "example", factory: { StreamLogHandler.standardError(label: $0) }))

    func prepare(_ connection: ApiumConnection) async throws -> PreparedWorker {
        var registry = JobRegistry()
        registry.register(Transcode.self)
        return PreparedWorker(registry: registry)
    }

    static func main() async { await WorkerCommand<ExampleWorker>.main() }
}
// docs: end
