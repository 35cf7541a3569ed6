import ApiumCore
import RedisClient

/// Turns the driver's and the server's errors into the framework's.
enum RedisFailure {
    /// Error codes of a server that is there and will be able again: repeat later.
    private static let passing: Set<String> = [
        "LOADING", "READONLY", "OOM", "BUSY", "MISCONF", "MASTERDOWN", "TRYAGAIN", "NOREPLICAS", "CLUSTERDOWN", "UNKILLABLE",
    ]

    /// Whether the same command may succeed later.
    static func isPassing(_ error: any Error) -> Bool {
        switch error {
        case let error as RedisServerError: isPassing(error)
        case let error as RedisClientError: error.code != .shutdown && error.code != .notSupported && error.code != .unexpectedReply
        case let error as ApiumError: error.underlying.map { isPassing($0) } ?? false
        default: false
        }
    }

    /// Whether a command went out before the connection failed it: the server was there.
    static func mayHaveBeenSent(_ error: any Error) -> Bool {
        switch error {
        case let error as RedisClientError: isPassing(error) && error.mayHaveBeenSent
        case let error as ApiumError: error.underlying.map { mayHaveBeenSent($0) } ?? false
        default: false
        }
    }

    static func isPassing(_ error: RedisServerError) -> Bool { passing.contains { error.says($0) } }

    /// Whether the server's access list forbids it. Within a script the refusal stands behind words of its own.
    static func isForbidden(_ error: RedisServerError) -> Bool {
        error.code == "NOPERM"
            || (error.code == "ERR" && ["-NOPERM ", "ACL failure in script", "The user executing the script can't"].contains { error.message.contains($0) })
    }

    /// Whether an argument of the command was too long for the server, or what a command would make of it.
    static func isTooLong(_ error: RedisServerError) -> Bool {
        error.code == "ERR" && (error.message.contains("invalid bulk length") || error.message.contains("exceeds maximum allowed size"))
    }

    /// The framework's error for `error`; others stay as they are.
    static func apiumError(_ error: any Error) -> any Error {
        switch error {
        case let error as RedisClientError where error.code == .notSupported || error.code == .unexpectedReply:
            ApiumError(.notAvailable, error.message, underlying: error)
        case let error as RedisClientError where error.code == .invalidURL: ApiumError(.invalidConfiguration, error.message, underlying: error)
        case let error as RedisClientError: ApiumError(.unavailable, "Redis can't be reached", underlying: error)
        case let error as RedisServerError where isPassing(error):
            ApiumError(.unavailable, "Redis can't do it at the moment", underlying: error)
        case let error as RedisServerError where isForbidden(error):
            ApiumError(.notPermitted, "Redis does not let this user do that", underlying: error)
        case let error as RedisServerError where isTooLong(error):
            ApiumError(.tooLong, "a text is longer than this Redis takes (proto-max-bulk-len)", underlying: error)
        case let error as RedisServerError: ApiumError(.notAvailable, "Redis refused a command", underlying: error)
        default: error
        }
    }
}

extension RedisClient {
    /// Sends commands; a refused one, or no connection, is an `ApiumError`.
    func replies(_ commands: [RedisCommand]) async throws -> [RESPValue] {
        do {
            let replies = try await pipeline(commands)
            for reply in replies { try reply.checked() }
            return replies
        } catch {
            throw RedisFailure.apiumError(error)
        }
    }

    /// The same, not cut short by the task's cancellation: for what must be put right before the task may end.
    func uncancelledReplies(_ commands: [RedisCommand]) async throws -> [RESPValue] {
        let replies = try await submit(commands).get()
        for reply in replies { try reply.checked() }
        return replies
    }

    /// Sends one command; see `replies`.
    @discardableResult
    func reply(_ command: RedisCommand) async throws -> RESPValue { try await replies([command])[0] }

    /// Sends commands until the server has answered them all: only for what may be repeated. Task cancellation doesn't end it.
    /// - Parameter goOn: Asked before each repetition.
    func repliesAtLast(_ commands: [RedisCommand], while goOn: () -> Bool) async throws -> [RESPValue] {
        var failures = 0
        while true {
            do {
                let replies = try await submit(commands).get()
                for reply in replies { try reply.checked() }
                return replies
            } catch {
                guard RedisFailure.isPassing(error), goOn() else { throw RedisFailure.apiumError(error) }
                failures += 1
                await eventLoop.pause(BackoffDelay.after(failures))
            }
        }
    }
}
