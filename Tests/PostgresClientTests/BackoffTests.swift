import Testing

@testable import PostgresClient

@Suite("Pauses between attempts to connect")
struct BackoffTests {
    @Test("all connections that are lost at once make no longer a pause than two, and each attempt that fails after it a longer one")
    func pauses() {
        let (base, maximum) = (Duration.milliseconds(100), Duration.seconds(5))
        var backoff = Backoff()
        backoff.failed(now: 1000, base: base, maximum: maximum)
        #expect(backoff.notBefore == 0, "the first new attempt is made at once")
        for _ in 0..<8 { backoff.failed(now: 1000, base: base, maximum: maximum) }
        #expect(backoff.notBefore > 1000 && backoff.notBefore <= 1000 + base.nanoseconds)
        var last = backoff.notBefore
        for place in 1...10 {
            backoff.failed(now: last, base: base, maximum: maximum)
            let pause = backoff.notBefore - last
            let whole = min(maximum.nanoseconds, base.nanoseconds << Int64(place))
            #expect(pause >= whole / 2 && pause <= whole)
            last = backoff.notBefore
        }
        backoff.succeeded()
        #expect(backoff.notBefore == 0)
    }
}
