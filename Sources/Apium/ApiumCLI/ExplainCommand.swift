import Apium
import ApiumInspect
import ArgumentParser

/// `apium explain`: why a job does not run, or what happened to it.
public struct ExplainCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Say why a job does not run, or what happened to it.",
        discussion: """
            Looks at workers, queues, what waits for its time, what was set aside, chords and results. Of each queue at most 10,000 messages are
            looked at (--depth). The id may also be that of a chord's group. Celery's workers are in no register: what they run is not seen here.

            Examples:
              apium explain 6f9d5c1e-0d0c-4f5b-9a57-0c7f8f6a4b1e
              apium explain 6f9d5c1e-0d0c-4f5b-9a57-0c7f8f6a4b1e --json | jq .standing.kind

            Kinds: ready, held (by a limit or a pause), scheduled, retry, in-flight, joining, parked, dead, quarantine, waits-for-parts, follows, revoked,
            ended, told (a state on the way is stored, and nothing else is known), out-of-sight, unknown. Exit code 0, or 2 for out-of-sight and unknown.
            """)

    @OptionGroup var connection: OperatorOptions
    @Argument(help: "The job's id.") var id: String
    @Option(help: "How many messages of each queue are looked at.") var depth = 10_000
    @Option(
        help:
            "How long it is watched how fast a job in a queue comes nearer, where our workers have counted nothing; 0: not at all. Default: half a second."
    )
    var watch: DurationArgument?
    @Flag(help: "Print JSON.") var json = false

    public init() {}

    public func validate() throws {
        if depth < 1 { throw ValidationError("--depth is \(depth); it takes 1 or more") }
    }

    public func run() async throws {
        let language = connection.language
        try await reportingFaults {
            try await connection.withConnection { connection in
                var inspector = connection.inspector
                inspector.depth = depth
                if let watch { inspector.watch = watch.value }
                let explanation = try await inspector.explain(id)
                if json {
                    CommandOutput.json(explanation.json)
                } else {
                    explanation.write(in: language)
                }
                switch explanation.standing {
                case .unknown, .outOfSight: throw CommandOutput.notThere
                default: break
                }
            }
        }
    }
}
