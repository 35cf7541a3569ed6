import ArgumentParser

/// The API's process: the HTTP server with the admin, and what an operator does to the database it reads.
@main
struct APIProcess: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "api", abstract: "PriceWatch's HTTP API, its admin and its database.",
        discussion: "Settings come from the environment and from a .env file; .env.example names them all.",
        subcommands: [ServeCommand.self, MigrateCommand.self, TokenCommand.self, AdminCommand.self], defaultSubcommand: ServeCommand.self)
}
