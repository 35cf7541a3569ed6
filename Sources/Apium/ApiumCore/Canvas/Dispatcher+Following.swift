import DynamicJSON

/// What a worker sends after a job (celery-wire 9).
extension Dispatcher {
    /// The callbacks of a job that succeeded: one is sent with the result; of several, groups go out each on their own, and the others
    /// together as one new group.
    public func plan(callbacks: [JSONValue], result: JSONValue, sender: Sender, priority: Int? = nil) throws -> DispatchPlan {
        let signatures = try callbacks.map { try Signature(json: $0) }
        let options = following(priority)
        guard signatures.count > 1 else {
            guard let only = signatures.first else { return DispatchPlan() }
            return try plan(only, with: [result], options: options, sender: sender)
        }
        var all = DispatchPlan()
        for group in signatures where group.subtaskType == "group" {
            all.append(try plan(group, with: [result], options: options, sender: sender))
        }
        let others = signatures.filter { $0.subtaskType != "group" }
        if !others.isEmpty { all.append(try plan(.group(others), with: [result], options: options, sender: sender)) }
        all.result = nil
        return all
    }

    /// The next step of a job's chain, which gets the result and the rest of the chain.
    ///
    /// - Parameter chain: the rest of the chain as it stands in the message: the next step last.
    public func plan(nextOf chain: [JSONValue], result: JSONValue, sender: Sender, priority: Int? = nil) throws -> DispatchPlan {
        guard let next = chain.last else { return DispatchPlan() }
        var options = following(priority)
        options["chain"] = .array(Array(chain.dropLast()))
        return try plan(try Signature(json: next), with: [result], options: options, sender: sender)
    }

    /// The body of a chord that is complete, with the list of its parts' values. The sender is the job that brought the last part.
    public func plan(body: JSONValue, results: [JSONValue], sender: Sender) throws -> DispatchPlan {
        try plan(try Signature(json: body), with: [.array(results)], sender: sender)
    }

    /// Errbacks that are jobs (Celery's old style): one group, each member called with the failed job's id in front of its own arguments.
    ///
    /// - Parameters:
    ///   - failed: the job that failed; for a chord whose header failed it is the body, which never ran.
    ///   - rootID: the root of its workflow; `nil`: itself.
    public func plan(errbacks: [JSONValue], failed: String, rootID: String?) throws -> DispatchPlan {
        guard !errbacks.isEmpty else { return DispatchPlan() }
        let root = rootID ?? failed
        let options: SignatureOptions = ["parent_id": .string(failed), "root_id": .string(root)]
        var plan = try plan(
            .group(errbacks.map { try Signature(json: $0) }), with: [.string(failed)], options: options, sender: Sender(id: failed, rootID: root))
        plan.result = nil
        return plan
    }

    private func following(_ priority: Int?) -> SignatureOptions { priority.map { ["priority": .int(Int64($0))] } ?? [:] }
}
