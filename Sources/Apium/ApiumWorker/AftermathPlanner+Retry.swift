import ApiumCore
import DynamicJSON

/// Running again: celery-wire 10.
extension AftermathPlanner {
    /// The same message, counted up and changed as the job asked; the old delivery ends as RETRY, whose one more child is the job
    /// itself.
    func retry(_ again: Verdict.Again) -> Aftermath {
        let message = job.message {
            $0.headers.retries += 1
            // The scheduled set holds it until it is due on the broker's clock; an ETA of this machine's clock would only
            // hold it up again where the two differ.
            $0.headers.eta = nil
            $0.headers.parentID = $0.headers.parentID ?? $0.headers.id
            $0.headers.ignoreResult = again.options.ignoreResult ?? job.ignoresResult
            if let expires = again.options.expires { $0.headers.expires = (dispatcher.now + expires).iso8601 }
            if let priority = again.options.priority { $0.properties.priority = min(max(priority, 0), 9) }
            $0.headers.custom.merge(again.options.headers) { $1 }
            if let queue = again.options.queue {
                $0.properties.exchange = ""
                $0.properties.routingKey = queue
            }
            if again.args != nil || again.kwargs != nil { $0.replaceArguments(arguments(of: again), as: dispatcher.format) }
        }
        var aftermath = Aftermath(disposition: .schedule(message, queue: again.options.queue ?? job.delivery.queue, after: again.delay))
        if !job.ignoresResult {
            let itself = ResultTuple(id: job.message.id)
            aftermath.results = [
                job.document(
                    .retry, again.cause?.value ?? .null, traceback: again.cause?.traceback(of: job.message.task), children: children + [itself], now: now)
            ]
        }
        return aftermath
    }

    /// New arguments take the place of old ones of either kind; what they don't touch stays as it was given.
    private func arguments(of again: Verdict.Again) -> TaskArguments {
        var arguments = job.arguments ?? TaskArguments()
        let names = job.parameters
        if let args = again.args {
            arguments.args = args
            if again.kwargs == nil { for name in names.prefix(args.count) { arguments.kwargs[name] = nil } }
        }
        if var kwargs = again.kwargs {
            if again.args == nil {
                for (place, name) in names.enumerated() where place < arguments.args.count {
                    if let value = kwargs.removeValue(forKey: name) { arguments.args[place] = value }
                }
            }
            arguments.kwargs = kwargs
        }
        return arguments
    }
}

extension Message {
    /// Gives the message another body, as the worker writes bodies. Should its serialiser not say the new values, they go in JSON: who does
    /// not take that parks the message with the reason.
    fileprivate mutating func replaceArguments(_ arguments: TaskArguments, as format: ContentFormat) {
        var format = format
        format.transferEncoding = body.transferEncoding
        do {
            try setArguments(arguments, as: format)
        } catch {
            headers.compression = nil
            body = arguments.encodedBody()
        }
        headers.argsRepr = PythonText.list(arguments.args)
        headers.kwargsRepr = PythonText.dictionary(arguments.kwargs)
    }
}
