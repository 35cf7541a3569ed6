import ArgumentParser
import Glibc
import Logging
import PriceWatchBootstrap
import PriceWatchStore

/// What the commands share that work on the database and end.
enum DatabaseCommand {
    /// Gives the database of the settings to `body` and closes it; what goes wrong is one sentence and a status of 1, or of 78
    /// for settings that cannot be used.
    static func run(statementTimeout: Duration = .seconds(30), _ body: (PriceWatchDatabase) async throws -> Void) async throws {
        let url: ConnectionURL
        do {
            var settings = try Settings.load()
            url = settings.url(.databaseURL, schemes: ["postgres", "postgresql"])
            try settings.check()
        } catch {
            standardError("\(error)")
            throw ExitCode(78)
        }
        var logger = Logger(label: "api")
        logger.logLevel = .error
        do {
            let database = try PriceWatchDatabase(url: url.reveal(), statementTimeout: statementTimeout, logger: logger)
            let result: Result<Void, any Error>
            do { result = .success(try await body(database)) } catch { result = .failure(error) }
            await database.shutdown()
            try result.get()
        } catch let code as ExitCode {
            throw code
        } catch let error as ValidationError {
            throw error
        } catch {
            standardError("\(error)")
            throw ExitCode(1)
        }
    }

    static func standardError(_ text: String) {
        let bytes = Array("api: \(text)\n".utf8)
        _ = bytes.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
