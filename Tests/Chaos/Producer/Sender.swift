import Apium
import ApiumCore
import DynamicJSON
import Glibc
import Synchronization

/// Makes calls and notes what came of them.
struct Sender: Sendable {
    let client: ApiumClient
    let queue: String
    let name: String
    let notes: Notes
    let hold: String
    let longest: Int64
    /// From one job of a task to its next.
    let interval: Duration

    /// Sends until there are so many jobs. What is not answered may have been sent or not; it is not tried again, but for what says that it
    /// may be.
    func send(_ plan: CallPlan, jobs: Int) async {
        var plan = plan
        var sent = 0
        var due = ContinuousClock.now
        while sent < jobs {
            if !hold.isEmpty, access(hold, F_OK) == 0 {
                try? await Task.sleep(for: .milliseconds(50))
                continue
            }
            let call = plan.next()
            let number = notes.begin(call.size, hasBody: call.hasBody)
            do {
                try await make(call, &plan, prefix: "\(name).\(number)")
                notes.answered(number)
            } catch {
                notes.unknown(number)
                try? await Task.sleep(for: .milliseconds(100))
            }
            sent += call.size + (call.hasBody ? 1 : 0)
            due = max(due + interval * (call.size + (call.hasBody ? 1 : 0)), .now - .seconds(1))
            if due > .now { try? await Task.sleep(until: due) }
        }
    }

    private func make(_ call: Call, _ plan: inout CallPlan, prefix: String) async throws {
        var work: [(key: String, milliseconds: Int64)] = []
        for place in 0..<call.size { work.append(("\(prefix).\(place)", plan.duration(longest))) }
        let steps = work.map { Signature("chaos.work", kwargs: ["key": .string($0.key), "ms": .int($0.milliseconds)]).on(queue: queue) }
        switch call {
        case .once:
            let options = EnqueueOptions.once(work[0].key, within: .hours(1)).on(queue: queue)
            while true {
                do {
                    try await client.enqueue(task: "chaos.work", kwargs: steps[0].kwargs, options)
                    return
                } catch {
                    try await Task.sleep(for: .milliseconds(100))
                }
            }
        case .single, .bulk:
            let calls = work.map { item in
                TaskCall(
                    task: "chaos.work", arguments: TaskArguments(kwargs: ["key": .string(item.key), "ms": .int(item.milliseconds)]),
                    options: .on(queue: queue))
            }
            _ = try await client.enqueueAll(calls)
        case .later(let milliseconds): _ = try await client.send(steps[0].after(.milliseconds(milliseconds)))
        case .retry(let times):
            _ = try await client.send(Signature("chaos.retry", kwargs: steps[0].kwargs.merging(["times": .int(times)]) { $1 }).on(queue: queue))
        case .chain: _ = try await client.send(.chain(steps))
        case .chord(_, let nested):
            let header = nested ? [steps[0] | steps[1]] + steps.dropFirst(2) : steps
            let body = Signature("chaos.work", kwargs: ["key": .string("\(prefix).body"), "ms": 0]).on(queue: queue)
            _ = try await client.send(.chord(header: header, body: body))
        }
    }
}

/// The producer's own record: `? number size body` before a call, `+ number` when it was answered, `- number` when it is unknown.
final class Notes: Sendable {
    private let descriptor: Int32
    private let last = Atomic(0)

    /// Opens the file.
    init(path: String) throws {
        descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw ApiumError(.invalidConfiguration, "the notes \(path) cannot be opened: errno \(errno)") }
    }

    /// A call is about to be made: answers its number.
    func begin(_ size: Int, hasBody: Bool) -> Int {
        let number = last.wrappingAdd(1, ordering: .relaxed).newValue
        write("? \(number) \(size) \(hasBody ? 1 : 0)\n")
        return number
    }

    /// The broker has it.
    func answered(_ number: Int) { write("+ \(number)\n") }

    /// Nobody knows.
    func unknown(_ number: Int) { write("- \(number)\n") }

    private func write(_ line: String) {
        var line = line
        _ = line.withUTF8 { Glibc.write(descriptor, $0.baseAddress, $0.count) }
    }
}
