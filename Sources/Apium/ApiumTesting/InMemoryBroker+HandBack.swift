import ApiumCore

extension InMemoryBroker: HandingBackBroker {
    public func handBack(from incarnation: String) async throws -> HandBack? {
        let (report, losses) = core.change { state, now -> (HandBack?, [BrokerState.Loss]) in
            guard let flight = state.sessions[incarnation]?.flight.values else { return (nil, []) }
            let ended = flight.count { $0.acknowledged && $0.joining.isEmpty }
            let report = HandBack(returned: flight.count - ended, ended: ended)
            return (report, state.close(incarnation, at: now))
        }
        guard let report else { return nil }
        core.announce(.leaseLost, to: incarnation)
        core.finishEvents(of: incarnation)
        try await core.tell(losses, to: otherResults)
        return report
    }
}
