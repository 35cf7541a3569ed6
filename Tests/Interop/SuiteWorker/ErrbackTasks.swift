import ApiumCore
import DynamicJSON

/// Tasks that are only linked to the failure of others; see ``SuiteTasks/inline(_:call:)`` for how styles are told apart.
extension SuiteTasks {
    mutating func registerErrbackTasks() {
        let marks = marks
        task("errback_old_style", ["request_id"]) { call in
            try await marks.increment(call.key("request_id"))
            return call["request_id"]
        }
        task("errback_old_style_with_args", ["request_id", "label"]) { call in
            try await marks.append(call["label"], to: call.key("request_id"))
            return .null
        }
        task("errback_new_style", ["request", "exc", "tb"], errback: .inline(parameters: 3) { call in try await marks.increment(call.request.id) }) { _ in
            throw Self.onlyAnErrback
        }
        let labelled = ErrbackStyle.inline(parameters: 4) { call in
            guard let label = call.args.first ?? call.kwargs["label"] else { throw ApiumError(.badArguments, "the errback has no label") }
            try await marks.append(label, to: call.request.id)
        }
        task("errback_new_style_with_args", ["request", "exc", "tb", "label"], errback: labelled) { _ in throw Self.onlyAnErrback }
    }

    /// The style of a task whose Python function has more than one positional parameter, and which an immutable signature calls with
    /// its own arguments alone.
    static func inline(_ parameters: Parameters, of name: String, run: @escaping @Sendable (BoundArguments) async throws -> Void) -> ErrbackStyle {
        .inline(parameters: parameters.takesRest ? nil : parameters.positional.count) { call in
            try await run(parameters.bind(TaskArguments(args: call.args, kwargs: call.kwargs), to: name))
        }
    }

    private static var onlyAnErrback: JobFailure { JobFailure(type: "TypeError", arguments: ["this errback takes a request, which no message can carry"]) }
}
