import ApiumCore
import DynamicJSON
import Testing

@testable import ApiumWorker

@Suite("What a lost child means for its job")
struct LossTests {
    private let failure = ChildLost(end: .signalled(11), run: 3).jobFailure
    private let now = Timestamp(seconds: 1_000_000)

    private func job(crashes: Int = 0, options: JobOptions = JobOptions(isolated: true)) -> Assignment {
        var message = Message(headers: Message.Headers(task: "t", id: "id-1"), body: TaskArguments().encodedBody())
        if crashes > 0 { message.crashes = crashes }
        let delivery = Delivery(tag: DeliveryTag(batch: 3, index: 4), queue: "q", fence: 9, payload: message.encoded())
        return Assignment(delivery: delivery, message: message, options: options, worker: "w@h", resultExtended: false, arguments: TaskArguments())
    }

    private func aftermath(_ job: Assignment) throws -> Aftermath {
        let verdict = try #require(
            Verdict.thrown(ChildLost(end: .signalled(11), run: 3), stop: nil, retries: 0, options: job.options, taskText: "t[id-1]"))
        return AftermathPlanner(job: job, dispatcher: Dispatcher(now: now), registry: JobRegistry(), now: now).aftermath(
            of: verdict.weighed(for: job, crashLimit: 3))
    }

    @Test("the first and the second time it runs again, marked as redelivered and with its crashes counted; nothing is stored", arguments: [0, 1])
    func again(crashes: Int) throws {
        let aftermath = try aftermath(job(crashes: crashes))
        guard case .requeue(let message, let queue) = aftermath.disposition else { return #expect(Bool(false), "it goes back to its queue") }
        #expect(queue == "q")
        #expect(message.crashes == crashes + 1)
        #expect(message.properties.redelivered)
        #expect(aftermath.results.isEmpty)
    }

    @Test("the third time it is quarantined, with the failure stored that says how its child ended")
    func quarantine() throws {
        let aftermath = try aftermath(job(crashes: 2))
        guard case .shelve(.quarantine, let record) = aftermath.disposition else { return #expect(Bool(false), "it is quarantined") }
        #expect(try Message(decoding: record.payload).crashes == 3)
        #expect(record.reason.contains("3 times"))
        #expect(aftermath.results.first?.state == .failure)
        #expect(aftermath.results.first?.result == failure.value)
    }

    @Test(
        "a job that must not run twice has failed",
        arguments: [JobOptions(acksLate: false, isolated: true), JobOptions(rejectOnWorkerLost: false, isolated: true)])
    func once(options: JobOptions) throws {
        let aftermath = try aftermath(job(options: options))
        guard case .shelve(.dead, _) = aftermath.disposition else { return #expect(Bool(false), "it is in the dead set") }
        #expect(aftermath.results.first?.result == failure.value)
    }

    @Test("a child that was killed on purpose is no crash of its job's")
    func onPurpose() {
        let lost = ChildLost(end: .signalled(9), run: 1)
        guard case .revoked("terminated")? = Verdict.thrown(lost, stop: .revoked(), retries: 0, options: JobOptions(), taskText: "") else {
            return #expect(Bool(false), "a terminated job is REVOKED")
        }
        guard case .failure(let failure)? = Verdict.thrown(lost, stop: .timeLimit(.seconds(2)), retries: 0, options: JobOptions(), taskText: "") else {
            return #expect(Bool(false), "a job out of time fails")
        }
        #expect(failure.type == "TimeLimitExceeded")
        #expect(Verdict.thrown(lost, stop: .abandoned, retries: 0, options: JobOptions(), taskText: "") == nil)
    }

    @Test("whatever a sender wrote as the number of crashes, it is within bounds")
    func forged() {
        for (value, crashes) in [(JSONValue.int(.max), 1_000_000), (-5, 0), ("many", 0), (nil, 0)] {
            var message = job().message
            message.headers.custom[Message.crashHeader] = value
            #expect(message.crashes == crashes)
        }
    }

    @Test("signals are known by number, by name and by short name")
    func signals() {
        #expect(ChildEnd.signal(named: "SIGKILL") == 9 && ChildEnd.signal(named: "usr1") == 10 && ChildEnd.signal(named: "SIGNOTHING") == nil)
    }
}
