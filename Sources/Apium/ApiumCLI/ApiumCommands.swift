import ArgumentParser

/// `apium`: the operations command line, everything that needs no job code.
public struct ApiumCommands: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "apium", abstract: "Operate Apium: call tasks, read results, see why jobs do not run, repair.",
        discussion: """
            Works with any Celery broker on Redis. --broker or $APIUM_BROKER_URL says which.

            Examples:
              apium explain 6f9d5c1e-…            why a job does not run, or what happened to it
              apium jobs list --name 'shop.*'     what waits and runs
              apium jobs retry --name shop.pay    runs failed jobs again, after it has counted them and asked
              apium events --enable               what happens, live
              apium queues --watch                what waits, comes and leaves
              apium doctor                        whether everything is in order
            """,
        subcommands: [
            CallCommand.self, SendCommand.self, ResultCommand.self, ExplainCommand.self, JobsCommand.self, QueuesCommand.self, PurgeCommand.self,
            PauseCommand.self, ResumeCommand.self, LimitsCommand.self,
            WorkersCommand.self, ShelfCommand<DeadShelf>.self, ShelfCommand<ParkedShelf>.self, ShelfCommand<QuarantineShelf>.self,
            EventsCommand.self, DoctorCommand.self, HandBackCommand.self, ScheduleCommand.self, ConfigCommand.self, CompletionCommand.self,
        ])

    public init() {}
}
