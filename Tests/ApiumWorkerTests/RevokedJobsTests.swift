import ApiumCore
import DynamicJSON
import Testing

@testable import ApiumWorker

@Suite("What a worker knows of revokes")
struct RevokedJobsTests {
    private func message(_ id: String) -> Message { Message(headers: .init(task: "t", id: id), body: TaskArguments().encodedBody()) }

    private func news(_ epoch: Int64, since: Int64, _ ids: Set<String>, terminated: Set<String> = []) -> ControlState {
        var news = ControlState(epoch: epoch, revoked: ids, terminated: terminated)
        news.since = since
        return news
    }

    @Test("nothing is known at first, then the epoch and the number of ids")
    func known() {
        let revoked = RevokedJobs()
        #expect(revoked.known.epoch == nil && revoked.known.ids == 0)
        revoked.update(ControlState(epoch: 0))
        #expect(revoked.known.epoch == 0 && revoked.known.ids == 0)
        revoked.update(news(1, since: 0, ["a", "b"]))
        #expect(revoked.known.epoch == 1 && revoked.known.ids == 2)
    }

    @Test("news are added to what is known, whatever the order in which they come, and all there is takes its place")
    func updates() {
        let revoked = RevokedJobs()
        revoked.update(ControlState(epoch: 5, revoked: ["a"]))
        revoked.update(news(7, since: 5, ["b", "c"], terminated: ["c"]))
        revoked.update(news(6, since: 5, ["b"]))
        #expect(revoked.epoch == 7)
        #expect(["a", "b", "c"].allSatisfy { revoked.forbids(message($0)) } && !revoked.forbids(message("d")))
        #expect(revoked.stops(message("c")) && !revoked.stops(message("b")))
        // As after a server that has lost its data.
        revoked.update(ControlState(epoch: 1, revoked: ["d"]))
        #expect(revoked.epoch == 1 && revoked.forbids(message("d")) && !revoked.forbids(message("a")))
        revoked.update(ControlState(epoch: 2))
        #expect(!revoked.forbids(message("d")))
    }

    @Test("what is revoked by stamp, limited and paused comes whole each time")
    func wholes() {
        let revoked = RevokedJobs()
        revoked.update(ControlState(epoch: 1, revokedStamps: ["tenant": ["x"]]))
        var tagged = message("a")
        tagged.headers.stamps = ["tenant": "x"]
        #expect(revoked.forbids(tagged))
        revoked.update(news(2, since: 1, []))
        #expect(!revoked.forbids(tagged))
    }
}
