import ApiumCore
import DynamicJSON
import Logging

/// Answers remote control: Celery's pidbox (celery-wire 13). One request after another, so that what follows a revoke sees it.
///
/// Nothing that comes ends it: what cannot be read is logged, what a command throws is its answer, a lost connection is made again.
struct RemoteControl: Sendable {
    let transport: any ControlTransport
    let exchange: String
    let table: CommandTable
    let controls: WorkerControls

    /// Listens until the task is cancelled.
    func run() async {
        var delay = Duration.milliseconds(200)
        while !Task.isCancelled {
            do {
                let requests = try await transport.requests(exchange: exchange)
                delay = .milliseconds(200)
                for await request in requests { await take(request) }
            } catch {
                if Task.isCancelled { return }
                controls.logger.notice("remote control is out of reach; trying again", metadata: ["error": "\(error)"])
            }
            try? await Task.sleep(for: delay)
            delay = min(delay * 2, .seconds(1))
        }
    }

    private func take(_ request: Result<ControlRequest, ApiumError>) async {
        switch request {
        case .success(let request): await take(request)
        case .failure(let error):
            controls.clock.forward()
            controls.logger.warning("a control message cannot be read and is dropped", metadata: ["error": "\(error)"])
        }
    }

    /// Every control message moves the clock, whoever it is for.
    func take(_ request: ControlRequest) async {
        controls.clock.forward()
        controls.clock.adjust(request.clock)
        guard request.isFor(controls.name) else { return }
        let answer = await table.answer(request.method, request.arguments, controls)
        if case .reply(let value) = answer, let error = value["error"]?.stringValue {
            controls.logger.warning("a control command was refused", metadata: ["command": "\(request.method.prefix(100))", "error": "\(error)"])
        }
        guard let address = request.replyTo, case .reply(let value) = answer else { return }
        var reply = ControlReply(node: controls.name, value: value, ticket: request.ticket, clock: controls.clock.forward())
        reply.serializer = request.serializer
        do {
            try await transport.reply(reply, to: address)
        } catch {
            controls.logger.warning("a reply to remote control could not be sent", metadata: ["command": "\(request.method)", "error": "\(error)"])
        }
    }
}
