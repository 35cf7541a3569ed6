import ArgumentParser
import PriceWatchStore

/// `api migrate up|down|status|new`.
struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate", abstract: "Change the database's schema.", subcommands: [Up.self, Down.self, Status.self, New.self])

    /// A migration may take long; another process' lock is waited for.
    private static let statementTimeout: Duration = .seconds(3600)

    struct Up: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Apply what is pending. Any number of processes may start it at once.")

        func run() async throws {
            try await DatabaseCommand.run(statementTimeout: statementTimeout) { database in
                let applied = try await database.migrator().up()
                for name in applied { print("applied \(name)") }
                if applied.isEmpty { print("nothing to apply") }
            }
        }
    }

    struct Down: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Take back the newest migrations, and with them what their tables hold.")

        @Argument(help: "How many.") var count = 1

        func validate() throws {
            guard count >= 1 else { throw ValidationError("a number of migrations is at least 1") }
        }

        func run() async throws {
            try await DatabaseCommand.run(statementTimeout: statementTimeout) { database in
                let reverted = try await database.migrator().down(count)
                for name in reverted { print("reverted \(name)") }
                if reverted.isEmpty { print("nothing to revert") }
            }
        }
    }

    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show every migration and where it stands; 1 when not all is as it should be.")

        func run() async throws {
            try await DatabaseCommand.run { database in
                let all = try await database.migrator().status()
                for one in all { print("\(one.id)  \(one.name)  \(one.state.rawValue)\(one.appliedAt.map { "  \($0)" } ?? "")") }
                guard all.allSatisfy({ $0.state == .applied }) else { throw ExitCode(1) }
            }
        }
    }

    struct New: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Write an empty migration into the sources.")

        @Argument(help: "Lower-case letters, digits and underscores.") var name: String
        @Option(help: "The source directory of PriceWatchStore.") var directory = "Sources/PriceWatch/PriceWatchStore"

        func run() async throws {
            do {
                print(try Migration.create(named: name, in: directory))
            } catch {
                DatabaseCommand.standardError("\(error)")
                throw ExitCode(1)
            }
        }
    }
}
