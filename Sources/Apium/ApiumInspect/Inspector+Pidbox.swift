import ApiumCore

extension Inspector {
    /// Celery's nodes that are bound to remote control and do not answer: one that is killed leaves its binding behind.
    func bindingFindings() async throws -> [Finding] {
        guard patience > .zero, let broker = broker as? any AuditableBroker else { return [] }
        let bound = try await broker.boundNodes(to: controlExchange)
        // Who may not ask does not judge.
        guard !bound.isEmpty, let silent = try await ifPermitted({ try await silent(bound) }), !silent.isEmpty else { return [] }
        let words = silent.prefix(5).joined(separator: ", ")
        return [
            Finding(
                .notice, "node-bindings-stray",
                Wording(
                    "\(silent.count) nodes of Celery are bound to remote control and do not answer: \(words)",
                    "узлов Celery, привязанных к удалённому управлению, но не отвечающих: \(silent.count): \(words)"),
                meaning: Wording(
                    "They were killed, or are too busy to answer. Nothing is routed by these bindings, but those of the dead stay as long as one node of Celery lives.",
                    "Они убиты или слишком заняты. По этим привязкам ничего не доставляется, но привязки мёртвых остаются, пока жив хоть один узел Celery."),
                repair: .bindings(silent))
        ]
    }

    /// Those of the nodes that do not answer, asked twice.
    ///
    /// - Throws: ``ApiumError`` `notPermitted` when the broker's user may not ask.
    func silent(_ nodes: [String]) async throws -> [String] {
        guard let transport = broker.controlTransport else { return [] }
        var left = Set(nodes)
        for wait in [patience, patience * 2] where !left.isEmpty {
            let question = ControlRequest("ping", destination: left.sorted())
            left.subtract(try await transport.ask(question, exchange: controlExchange, within: wait, limit: left.count).map(\.node))
        }
        return left.sorted()
    }

    /// What is to be said of what could not be looked at.
    static func findings(_ gaps: Set<Gap>) -> [Finding] {
        zip(gaps.lines(in: .english), gaps.lines(in: .russian)).map { english, russian in
            Finding(
                .notice, "not-readable", Wording("not looked at: \(english)", "не просмотрено: \(russian)"),
                meaning: Wording(
                    "Of what is there nothing is said here. Ours belong among the keys of the Redis user (deploy/redis-acl --queue); or look as the user operator.",
                    "О том, что там, здесь ничего не сказано. Свои добавьте к ключам пользователя Redis (deploy/redis-acl --queue) или смотрите под operator."))
        }
    }
}
