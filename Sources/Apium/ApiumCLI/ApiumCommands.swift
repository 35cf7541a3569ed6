import ArgumentParser

/// `apium`: the operations command line, everything that needs no job code.
public struct ApiumCommands: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "apium", abstract: "Operate Apium: call tasks, read results, look at queues.",
        discussion: "Works with any Celery broker on Redis. --broker or $APIUM_BROKER_URL says which.",
        subcommands: [
            CallCommand.self, SendCommand.self, ResultCommand.self, QueuesCommand.self, PurgeCommand.self, PauseCommand.self, ResumeCommand.self,
            LimitsCommand.self,
            ScheduleCommand.self, ConfigCommand.self,
        ])

    public init() {}
}
