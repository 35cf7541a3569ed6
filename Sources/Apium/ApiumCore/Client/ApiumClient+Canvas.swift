import DynamicJSON

extension ApiumClient {
    /// Sends a canvas of any form: opens its chords, then enqueues what runs first.
    ///
    /// ```swift
    /// let handle = try await client.send(.chord(header: urls.map { Signature("shop.fetch", .string($0)) }, body: Signature("shop.compare")))
    /// let report = try await handle?.value(within: .minutes(5))
    /// ```
    ///
    /// - Parameters:
    ///   - signature: what to send.
    ///   - args: put in front of its own arguments, see ``Dispatcher/plan(_:with:kwargs:options:sender:)``.
    ///   - kwargs: added to its keyword arguments.
    ///   - options: take the place of the signature's own; of a chain they are its first step's.
    /// - Returns: what can be waited for; `nil` when there was nothing to send (an empty chain).
    /// - Throws: ``ApiumError`` `malformedMessage` or `badArguments` when it cannot be sent as it is; `unavailable` when broker or backend
    ///   cannot be reached: the canvas may or may not have been sent then; ``QueueFull``, and then no message was.
    @discardableResult
    public func send(_ signature: Signature, args: [JSONValue] = [], kwargs: [String: JSONValue] = [:], _ options: EnqueueOptions = EnqueueOptions())
        async throws -> CanvasHandle?
    {
        try await EnqueueSpan.around([signature.task]) {
            let plan = try await plan(signature, args: args, kwargs: kwargs, options)
            try await perform(plan)
            return plan.result.map { CanvasHandle($0, client: self) }
        } ids: { handle in
            handle.map { [$0.tuple.id] } ?? []
        }
    }

    /// Carries out a plan: chords first, then messages.
    public func perform(_ plan: DispatchPlan) async throws {
        if !plan.chords.isEmpty { try await results.open(plan.chords) }
        if !plan.messages.isEmpty { try await broker.enqueue(plan.messages) }
    }

    /// A dispatcher with this client's settings.
    public func dispatcher(now: Timestamp) -> Dispatcher {
        var dispatcher = Dispatcher(router: router, origin: origin, now: now, makeID: makeID)
        dispatcher.format = format
        return dispatcher
    }

    /// The handle of a group that was saved (``GroupHandle/save()``, Python's `GroupResult.save`); `nil` when there is none.
    public func group<Element: Decodable & Sendable>(_ id: String, of _: Element.Type = JSONValue.self) async throws -> GroupHandle<Element>? {
        guard let saved = try await results.savedGroup(id) else { return nil }
        guard let tuple = ResultTuple(json: saved), tuple.members != nil else {
            throw ApiumError(.badResult, "what is saved under \(id.prefix(100)) is no group")
        }
        return GroupHandle(tuple, client: self)
    }

    /// The handle of a result tuple, for example one that a job returned.
    public func handle(_ tuple: ResultTuple) -> CanvasHandle { CanvasHandle(tuple, client: self) }

    /// The broker's clock is asked only when the plan needs it.
    private func plan(_ signature: Signature, args: [JSONValue], kwargs: [String: JSONValue], _ options: EnqueueOptions) async throws -> DispatchPlan {
        // The joins of a workflow are prepared beforehand, and its later steps are sent by workers.
        if options.conditions.onceWithin != nil || options.durability != nil || options.unique != nil {
            throw ApiumError(
                .badArguments, "only single jobs can be unique, be enqueued once, or have their durability confirmed; not the workflow '\(signature.task)'")
        }
        let overrides = options.signatureOptions
        func plan(at now: Timestamp) throws -> DispatchPlan {
            var dispatcher = dispatcher(now: now)
            dispatcher.format = format.changed(by: options.format)
            var plan = try dispatcher.plan(signature, with: args, kwargs: kwargs, options: overrides)
            if !options.conditions.isEmpty { for index in plan.messages.indices { plan.messages[index].conditions = options.conditions } }
            return plan
        }
        let first = try plan(at: Timestamp(microseconds: 0))
        guard first.messages.contains(where: { $0.message.headers.eta != nil || $0.message.headers.expires != nil }) else { return first }
        return try plan(at: try await broker.serverTime())
    }
}

extension EnqueueOptions {
    /// Under Celery's names.
    var signatureOptions: SignatureOptions {
        var result = SignatureOptions()
        result.id = id
        result.queue = queue
        result.exchange = exchange
        result.routingKey = routingKey
        result.delay = delay
        result.eta = eta
        result.expires = expires
        result.priority = priority
        result.ignoreResult = ignoreResult
        result.rootID = rootID
        result.parentID = parentID
        result.headers = headers
        return result
    }
}
