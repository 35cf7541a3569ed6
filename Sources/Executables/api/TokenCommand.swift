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
            abstract: "Make a token and print it; it is shown this once, only its hash is kept.",
            discussion: """
                A new token may enqueue nothing until --allow says what: with the scope jobs by name, with the scope schedule through entries.

                Examples:
                  api token create site --scope read
                  api token create shop --scope read --scope jobs --allow 'pricewatch.check_*'
                  api token create reports --scope jobs --allow report.daily --allow-queue reports
                """)

        @Argument(help: "Who holds it; unique.") var name: String
        @Option(name: .customLong("scope"), help: "read, write, jobs or schedule; may be given more than once. Default: read.") var scopes: [APIScope] = []
        @Option(name: .customLong("chat-id"), help: "Only this chat's data.") var chatID: Int64?
        @Option(
            name: .customLong("allow"), help: "A job that may be enqueued, by name or pattern (* is any characters); more than once. Default: none.",
            transform: JobNamePattern.init(argument:)) var jobs: [JobNamePattern] = []
        @Option(
            name: .customLong("allow-queue"), help: "A queue that may be named in place of a job's own; more than once. Default: none.",
            transform: QueueName.init(argument:)) var queues: [QueueName] = []

        func validate() throws {
            guard !name.isEmpty, name.count <= 100 else { throw ValidationError("a name has 1 to 100 characters") }
            guard !scopes.contains(.service) else { throw ValidationError("the scope service belongs to PRICEWATCH_SERVICE_TOKEN alone") }
            let enqueues = scopes.contains(.jobs) || scopes.contains(.schedule)
            guard enqueues || (jobs.isEmpty && queues.isEmpty) else {
                throw ValidationError("--allow and --allow-queue need --scope jobs or --scope schedule")
            }
            guard chatID == nil || !scopes.contains(.schedule) else {
                throw ValidationError("the schedule is of no chat: --chat-id and --scope schedule exclude each other")
            }
        }

        func run() async throws {
            try await DatabaseCommand.run { database in
                let (text, hash) = TokenText.make()
                let token = APIToken(
                    id: 0, name: name, scopes: scopes.isEmpty ? [.read] : Set(scopes), chatID: chatID,
                    allowance: JobAllowance(jobs: Set(jobs), queues: Set(queues)))
                do {
                    _ = try await database.tokens.addToken(token, sha256: hash)
                } catch StoreRefusal.nameTaken(let name) {
                    DatabaseCommand.standardError("there is a token named \(name); revoke it first, or choose another name")
                    throw ExitCode(1)
                }
                if scopes.contains(.jobs), jobs.isEmpty {
                    DatabaseCommand.standardError("note: this token may enqueue nothing, only read and cancel jobs; --allow names what it may")
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
                    let (jobs, queues) = (token.allowance.jobs, token.allowance.queues)
                    if !jobs.isEmpty { words.append("jobs " + jobs.sorted().map(\.text).joined(separator: ",")) }
                    if !queues.isEmpty { words.append("queues " + queues.sorted().map(\.text).joined(separator: ",")) }
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

extension JobNamePattern {
    fileprivate init(argument: String) throws {
        guard let pattern = JobNamePattern(argument) else {
            throw ValidationError("'\(argument)' is no name of a job: letters, digits and _ . : - of ASCII, * for any characters")
        }
        self = pattern
    }
}

extension QueueName {
    fileprivate init(argument: String) throws {
        guard let name = QueueName(argument) else { throw ValidationError("'\(argument)' is no name of a queue: letters, digits and _ . - of ASCII") }
        self = name
    }
}
