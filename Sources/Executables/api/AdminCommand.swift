import ArgumentParser
import Glibc
import PriceWatchModel
import PriceWatchStore

/// `api admin create|password`.
struct AdminCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "admin", abstract: "Make admin accounts.", subcommands: [Create.self, Password.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make an account; its password is read from standard input.")

        @Argument(help: "The account's name.") var user: String
        @Option(help: "viewer or editor.") var role: AdminRole = .editor

        func run() async throws {
            let password = try NewPassword.read()
            try await DatabaseCommand.run { database in
                guard try await database.adminAccounts.createAccount(name: user, password: password, role: role) != nil else {
                    DatabaseCommand.standardError("there is an account named \(user) already")
                    throw ExitCode(1)
                }
                print("account \(user) made")
            }
        }
    }

    struct Password: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Set an account's password, read from standard input, and end its sessions.")

        @Argument(help: "The account's name.") var user: String

        func run() async throws {
            let password = try NewPassword.read()
            try await DatabaseCommand.run { database in
                guard try await database.adminAccounts.setPassword(name: user, password: password) else {
                    DatabaseCommand.standardError("there is no account named \(user)")
                    throw ExitCode(1)
                }
                print("password of \(user) set")
            }
        }
    }
}

extension AdminRole: ExpressibleByArgument {}

/// Reads a new password from standard input: one line, not shown on a terminal. Never an argument, which others could see.
enum NewPassword {
    static func read() throws -> String {
        let isTerminal = isatty(STDIN_FILENO) == 1
        if isTerminal { DatabaseCommand.standardError("password (at least 8 characters):") }
        let line = isTerminal ? withoutEcho { readLine() } : readLine()
        guard let password = line, password.count >= 8, password.utf8.count <= 1024 else {
            throw ValidationError("a password has 8 to 1024 characters, on one line of standard input")
        }
        return password
    }

    private static func withoutEcho<Value>(_ body: () -> Value) -> Value {
        var attributes = termios()
        guard tcgetattr(STDIN_FILENO, &attributes) == 0 else { return body() }
        var silent = attributes
        silent.c_lflag &= ~tcflag_t(ECHO)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent)
        defer { tcsetattr(STDIN_FILENO, TCSAFLUSH, &attributes) }
        return body()
    }
}
