import ApiumCore
import DynamicJSON
import Foundation
import Testing

@testable import ApiumTesting
@testable import ApiumWorker

@Suite("Random canvases", .timeLimit(.minutes(2)))
struct CanvasPropertyTests {
    /// The first seed: another one in the environment brings a failure back, or looks further.
    private static let first = ProcessInfo.processInfo.environment["APIUM_TEST_SEED"].flatMap { UInt64($0) } ?? 1

    @Test("every call runs once, the value is the reference's, and nothing is left", arguments: [true, false])
    func canvases(resultsTravel: Bool) async throws {
        let mill = Mill(resultsTravel: resultsTravel)
        mill.register(RandomCanvas.task) { [seen = mill.seen] arguments, _ in
            let number = arguments.kwargs["number"]?.intValue ?? -1
            seen.note(.int(number))
            return RandomCanvas.value(of: number, given: arguments.args)
        }
        try await mill.run {
            for seed in Self.first..<Self.first + 300 {
                var maker = CanvasMaker(seed: seed)
                let canvas = maker.canvas(depth: 3)
                try await check(canvas, in: mill, "seed \(seed): \(canvas)")
            }
        }
    }

    private func check(_ canvas: RandomCanvas, in mill: Mill, _ name: Comment) async throws {
        let before = mill.seen.values.count
        let handle = try #require(try await ApiumClient(broker: mill.broker, results: mill.results).send(canvas.signature), name)
        let value = try? await handle.value(within: .seconds(20))
        #expect(value == canvas.value(given: nil), name)
        let ran = mill.seen.values.dropFirst(before).compactMap(\.intValue)
        #expect(ran.sorted() == canvas.numbers.sorted(), name)
        try await mill.eventually("nothing is left of \(name.rawValue)") { mill.isClean }
    }
}

extension Mill {
    /// Whether nothing waits, runs, is set aside, or stands in a chord.
    fileprivate var isClean: Bool {
        broker.core.read { state, _ in
            state.queues.values.allSatisfy { $0.count == 0 } && state.sessions.values.allSatisfy(\.flight.isEmpty) && state.scheduled.isEmpty
                && state.shelves.values.allSatisfy(\.isEmpty) && state.chords.values.allSatisfy(\.content.isEmpty)
        }
    }
}
