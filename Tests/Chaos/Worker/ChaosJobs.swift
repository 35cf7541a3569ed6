import ApiumCore
import DynamicJSON

/// The jobs: each writes that it begins, takes its time, writes its effect, and answers its token, which says whose end was accepted.
enum ChaosJobs {
    static func registry(_ ledger: Ledger) -> JobRegistry {
        var registry = JobRegistry()
        // `ms`: how long it takes. What earlier steps of a chain or the header of a chord give it is of no account.
        registry.register("chaos.work") { arguments, context in
            try await run(try key(arguments), milliseconds(arguments), context, ledger)
        }
        // `times`: how often it asks to be run again, a little later.
        registry.register("chaos.retry") { arguments, context in
            let key = try key(arguments)
            guard context.retries < arguments.kwargs["times"]?.intValue ?? 1 else {
                return try await run(key, milliseconds(arguments), context, ledger)
            }
            try ledger.write(.begun, key, context)
            try ledger.write(.retried, key, context)
            throw Retry(after: .milliseconds(arguments.kwargs["delay"]?.intValue ?? 100), maxRetries: nil)
        }
        // A slot of the beats: its key is the entry and the slot.
        registry.register("chaos.slot") { arguments, context in
            guard let slot = context.message.headers.custom["apium_slot"]?.stringValue else { throw missing("the header apium_slot") }
            return try await run("slot/\(try key(arguments))/\(slot)", 0, context, ledger)
        }
        return registry
    }

    private static func run(_ key: String, _ milliseconds: Int64, _ context: JobContext, _ ledger: Ledger) async throws -> JSONValue {
        try ledger.write(.begun, key, context)
        if milliseconds > 0 { try await context.sleep(for: .milliseconds(milliseconds)) }
        try ledger.write(.effect, key, context)
        return .int(context.fence)
    }

    private static func key(_ arguments: TaskArguments) throws -> String {
        guard let key = arguments.kwargs["key"]?.stringValue, !key.contains(" ") else { throw missing("key: a text without spaces") }
        return key
    }

    private static func milliseconds(_ arguments: TaskArguments) -> Int64 { arguments.kwargs["ms"]?.intValue ?? 0 }

    private static func missing(_ what: String) -> JobFailure { JobFailure(type: "TypeError", arguments: [.string("expected \(what)")]) }
}
