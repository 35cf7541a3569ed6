import Apium
import ApiumBeat
import DynamicJSON
import Logging
import Testing

/// A job of the schedule.
private struct WriteReport: JobDefinition {
    static let name = "shop.report"
    typealias Output = NoOutput
    var kind: String
}

/// A schedule in code.
@Suite("Example: schedules", .timeLimit(.minutes(1)))
struct ScheduleExamples {
    @Test("a beat turns due slots into jobs, and any number of beats fire a slot once", arguments: Place.all)
    func beat(place: Place) async throws {
        let (runs, run) = AsyncStream.makeStream(of: String.self)
        let logger = Logger(label: "example") { _ in SwiftLogNoOpLogHandler() }
        var registry = JobRegistry()
        registry.register("shop.check_due") { _, context in
            run.yield(context.message.headers.custom["apium_slot"]?.stringValue ?? "")
            return .null
        }
        try await place.run(registry) { client in
            // docs: beat
            let entries = [
                ScheduleEntry(name: "check-due", task: "shop.check_due", schedule: .every(.milliseconds(200)), expires: .seconds(60)),
                try ScheduleEntry("nightly", WriteReport(kind: "daily"), .crontab("0 3 * * *"), catchUp: .once, overlap: Overlap(.skip)),
            ]
            let beat = Beat(broker: client.broker, entries: entries, generation: 1, logger: logger)
            // docs: end
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<2 { group.addTask { try await beat.run() } }
                var slots: [String] = []
                for await slot in runs {
                    slots.append(slot)
                    if slots.count == 3 { break }
                }
                group.cancelAll()
                try await group.waitForAll()
                #expect(Set(slots).count == 3, "each slot once: \(slots)")
            }
        }
    }

    @Test("the schedule is edited while it runs, and says who did it", arguments: Place.all)
    func desk(place: Place) async throws {
        try await place.run(JobRegistry()) { client in
            // docs: desk
            let desk = ScheduleDesk(broker: client.broker)
            try await desk.add(ScheduleEntry("nightly", WriteReport(kind: "daily"), .crontab("0 3 * * *"), catchUp: .once), by: "anna")
            try await desk.setEnabled(false, "nightly", by: "anna")
            let slots = try await desk.preview("nightly", count: 3)
            let changes = try await desk.audit(entry: "nightly")
            // docs: end
            #expect(slots.count == 3 && slots[0].local.contains("T03:00:00"))
            #expect(changes.map(\.editor.action) == ["disable", "add"])
        }
    }
}
