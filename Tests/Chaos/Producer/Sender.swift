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
            if case .limited(let shop) = call { notes.limited(number, by: "shop-\(shop)") }
            do {
                switch try await make(call, &plan, prefix: "\(name).\(number)") {
                case .taken: notes.answered(number)
                case .locked(let lock): notes.locked(number, lock)
                case .duplicate: notes.duplicate(number)
                }
            } catch {
                notes.unknown(number)
                try? await Task.sleep(for: .milliseconds(100))
            }
            sent += call.size + (call.hasBody ? 1 : 0)
            due = max(due + interval * (call.size + (call.hasBody ? 1 : 0)), .now - .seconds(1))
            if due > .now { try? await Task.sleep(until: due) }
        }
    }

    /// What the broker said.
    private enum Answer {
        case taken
        /// It is enqueued, and holds this lock.
        case locked(String)
        /// Another one holds it.
        case duplicate
    }

    private func make(_ call: Call, _ plan: inout CallPlan, prefix: String) async throws -> Answer {
        var work: [(key: String, milliseconds: Int64)] = []
        for place in 0..<call.size { work.append(("\(prefix).\(place)", plan.duration(longest))) }
        let steps = work.map { Signature("chaos.work", kwargs: ["key": .string($0.key), "ms": .int($0.milliseconds)]).on(queue: queue) }
        switch call {
        case .once:
            let options = EnqueueOptions.once(work[0].key, within: .hours(1)).on(queue: queue)
            while true {
                do {
                    try await client.enqueue(task: "chaos.work", kwargs: steps[0].kwargs, options)
                    return .taken
                } catch {
                    try await Task.sleep(for: .milliseconds(100))
                }
            }
        case .limited(let shop):
            let options = EnqueueOptions.on(queue: queue).limited(by: LimitKey("shop", "shop-\(shop)"))
            try await client.enqueue(task: "chaos.work", kwargs: steps[0].kwargs, options)
        case .unique(let number):
            let lock = "lock-\(number)"
            let handle = try await client.enqueue(task: "chaos.work", kwargs: steps[0].kwargs, .on(queue: queue).unique(.untilEnded.by(lock)))
            return handle.isDuplicate ? .duplicate : .locked(lock)
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
        return .taken
    }
}

/// The producer's own record: `? number size body` before a call, `+ number` when it was answered, `- number` when it is unknown; `@ number key` of
/// one under a limit, `= number lock time` and `x number` for the answers to one that is unique.
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

    /// The call's job is under the limit of this key.
    func limited(_ number: Int, by key: String) { write("@ \(number) \(key)\n") }

    /// The broker has it, and its job has held this lock since now at the latest, in nanoseconds of the machine's monotonic clock.
    func locked(_ number: Int, _ lock: String) {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        write("= \(number) \(lock) \(now.tv_sec * 1_000_000_000 + now.tv_nsec)\n")
    }

    /// The broker has not taken it, for another job holds the lock.
    func duplicate(_ number: Int) { write("x \(number)\n") }

    /// Nobody knows.
    func unknown(_ number: Int) { write("- \(number)\n") }

    private func write(_ line: String) {
        var line = line
        _ = line.withUTF8 { Glibc.write(descriptor, $0.baseAddress, $0.count) }
    }
}
