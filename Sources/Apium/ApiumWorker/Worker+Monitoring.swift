import ApiumCore

extension Worker {
    /// Works while remote control and events go on beside it; they end with it, the last word being that the worker is off.
    func watched(_ stop: StopSignal, _ work: (QueueOperations) async throws -> Void) async throws {
        let monitoring = environment.configuration.monitoring
        let operations = QueueOperations(environment.status, logger: environment.logger)
        let changing = Task { await operations.run() }
        let beating = monitoring.heartbeat == nil || !environment.sink.isAvailable ? nil : Task { [heartbeat = environment.heartbeat] in await heartbeat.run() }
        let listening = remoteControl(stop, operations).map { control in Task { await control.run() } }
        // Publishing outlives cancellation: what has happened is told even when the worker is stopped at once.
        let telling = Task { [sink = environment.sink] in await sink.run() }
        let counting = Task { [environment] in
            await environment.history.run(environment.broker, logger: environment.logger) { environment.status.queues }
        }
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await work(operations))
        } catch {
            outcome = .failure(error)
        }
        listening?.cancel()
        changing.cancel()
        if let beating {
            beating.cancel()
            await beating.value
            environment.heartbeat.send("worker-offline")
        }
        environment.sink.close()
        await telling.value
        await listening?.value
        await changing.value
        counting.cancel()
        await counting.value
        await tellHistory()
        try outcome.get()
    }

    /// What was counted last is told once, and a broker that is away is not waited for.
    private func tellHistory() async {
        let telling = Task { [environment] in try await environment.history.flush(to: environment.broker, queues: environment.status.queues) }
        let limit = Task {
            try await Task.sleep(for: .seconds(1))
            telling.cancel()
        }
        _ = await telling.result
        limit.cancel()
    }

    private func remoteControl(_ stop: StopSignal, _ operations: QueueOperations) -> RemoteControl? {
        let monitoring = environment.configuration.monitoring
        guard monitoring.remoteControl, let transport = environment.broker.controlTransport else { return nil }
        let controls = WorkerControls(environment: environment, stop: stop, operations: operations)
        return RemoteControl(
            transport: transport, exchange: monitoring.pidbox, table: CommandTable(environment.registry.controlCommands), controls: controls)
    }
}
