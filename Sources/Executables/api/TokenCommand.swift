import ArgumentParser
import PriceWatchAPI
import PriceWatchModel
import PriceWatchStore

/// `api token create|list|revoke`.
struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Make and revoke bearer tokens.", subcommands: [Create.self, List.self, Revoke.self])

    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a token and print it; it is shown this once, only its hash is kept.")

        @Argument(help: "Who holds it; unique.") var name: String
        @Option(name: .customLong("scope"), help: "read, write, jobs or schedule; may be given more than once. Default: read.") var scopes: [APIScope] = []
        @Option(name: .customLong("chat-id"), help: "Only this chat's data.") var chatID: Int64?
        @Option(name: .customLong("job"), help: "A job that may be enqueued with the scope jobs; more than once. Default: all of PriceWatch.") var jobs:
            [String] = []

        func validate() throws {
            guard !name.isEmpty, name.count <= 100 else { throw ValidationError("a name has 1 to 100 characters") }
            guard !scopes.contains(.service) else { throw ValidationError("the scope service belongs to PRICEWATCH_SERVICE_TOKEN alone") }
            guard jobs.isEmpty || scopes.contains(.jobs) else { throw ValidationError("--job needs --scope jobs") }
        }

        func run() async throws {
            try await DatabaseCommand.run { database in
                let (text, hash) = TokenText.make()
                let token = APIToken(
                    id: 0, name: name, scopes: scopes.isEmpty ? [.read] : Set(scopes), chatID: chatID, allowedJobs: jobs.isEmpty ? nil : Set(jobs))
                do {
                    _ = try await database.tokens.addToken(token, sha256: hash)
                } catch StoreRefusal.nameTaken(let name) {
                    DatabaseCommand.standardError("there is a token named \(name); revoke it first, or choose another name")
                    throw ExitCode(1)
                }
                print(text)
            }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show the tokens, without their texts.")

        func run() async throws {
            try await DatabaseCommand.run { database in
                for token in try await database.tokens.tokens() {
                    var words = [token.name, token.scopes.map(\.rawValue).sorted().joined(separator: ",")]
                    if let chat = token.chatID { words.append("chat \(chat)") }
                    if let jobs = token.allowedJobs { words.append(jobs.sorted().joined(separator: ",")) }
                    print(words.joined(separator: "  "))
                }
            }
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "End a token; it is refused within seconds.")

        @Argument(help: "The token's name.") var name: String

        func run() async throws {
            try await DatabaseCommand.run { database in
                guard try await database.tokens.revokeToken(named: name) else {
                    DatabaseCommand.standardError("there is no token named \(name)")
                    throw ExitCode(1)
                }
            }
        }
    }
}

extension APIScope: ExpressibleByArgument {}
