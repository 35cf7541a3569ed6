import Testing

@testable import ApiumCore

@Suite("Routing")
struct RouterTests {
    @Test(
        "a pattern takes a whole name",
        arguments: [
            ("*", "anything", true), ("shop.*", "shop.add", true), ("shop.*", "shop", false), ("shop.*", "other.shop.add", false),
            ("*.add", "shop.add", true), ("*.add", "shop.address", false), ("a*b*c", "abbbc", true), ("a*b*c", "aXbYd", false),
            ("v?.*", "v2.add", true), ("v?.*", "v10.add", false), ("v[0-9].*", "v7.add", true), ("v[!0-9].*", "v7.add", false),
            ("v[0-9", "v[0-9", true), ("[]a]*", "]x", true), ("*é", "café", true), ("**", "", true), ("a**", "a", true), ("", "a", false),
        ])
    func patterns(pattern: String, name: String, fits: Bool) {
        #expect(GlobPattern(pattern).matches(name) == fits)
    }

    @Test("a pattern made to be slow is not")
    func slowPattern() {
        let pattern = GlobPattern(String(repeating: "*a", count: 60) + "b")
        #expect(!pattern.matches(String(repeating: "a", count: 3000)))
    }

    @Test("who says nothing gets the default queue and priority")
    func defaults() throws {
        #expect(try Router().destination(of: "t") == Destination(routingKey: "celery"))
        #expect(try Router(defaultQueue: "q", defaultPriority: 4).destination(of: "t") == Destination(routingKey: "q", priority: 4))
    }

    @Test("an exact name goes before patterns, patterns go in their order, tables go in theirs")
    func order() throws {
        var router = Router()
        router.routes = [
            ["shop.*": .queue("shop"), "shop.a*": .queue("never"), "shop.add": .queue("exact")], ["*": .queue("rest"), "shop.add": .queue("never")],
        ]
        #expect(try router.destination(of: "shop.add").routingKey == "exact")
        #expect(try router.destination(of: "shop.also").routingKey == "shop")
        #expect(try router.destination(of: "mail.send").routingKey == "rest")
    }

    @Test("the caller goes before the route, and the route fills what the caller leaves open")
    func caller() throws {
        var router = Router(defaultPriority: 7)
        router.routes = [["t": Route(queue: "routed", priority: 3)]]
        #expect(try router.destination(of: "t", wish: .queue("mine")) == Destination(routingKey: "mine", priority: 3))
        #expect(try router.destination(of: "t", wish: Route(priority: 0)) == Destination(routingKey: "routed", priority: 0))
        #expect(try router.destination(of: "u", wish: Route(priority: 12)).priority == 9)
    }

    @Test("a named exchange counts only with a routing key")
    func exchanges() throws {
        let router = Router()
        let named = try router.destination(of: "t", wish: Route(exchange: "media", routingKey: "image"))
        #expect(named == Destination(exchange: "media", routingKey: "image"))
        #expect(try router.destination(of: "t", wish: Route(exchange: "media")) == Destination(routingKey: "celery"))
        #expect(try router.destination(of: "t", wish: Route(queue: "q", routingKey: "image")) == Destination(routingKey: "q"))
    }

    @Test("a queue that must be declared and is not is named, wherever it comes from")
    func missing() throws {
        var router = Router(queues: [QueueDeclaration("known")], routes: [["t": .queue("routed")]], createMissingQueues: false)
        for wish in [Route.queue("asked"), Route(), Route(queue: "asked", exchange: "e", routingKey: "k")] {
            let error = #expect(throws: ApiumError.self) { try router.destination(of: "t", wish: wish) }
            #expect(error?.code == .queueNotFound)
            #expect(error?.message.contains(wish.queue ?? "routed") == true && error?.message.contains("known") == true)
        }
        #expect(throws: ApiumError.self) { try router.bindings(of: ["known", "other"]) }
        router.queues = []
        #expect(try router.destination(of: "u").routingKey == "celery")
    }

    @Test("bindings are those that Celery's workers declare")
    func bindings() throws {
        let declared = QueueDeclaration("images", exchange: "media", routingKey: "image", expires: .seconds(60))
        let router = Router(defaultQueue: "main", queues: [declared, QueueDeclaration("plain")])
        #expect(
            try router.bindings(of: ["images", "plain", "undeclared"]) == [
                QueueBinding(exchange: "media", routingKey: "image", queue: "images", expires: .seconds(60)),
                QueueBinding(exchange: "main", routingKey: "plain", queue: "plain"),
                QueueBinding(exchange: "undeclared", routingKey: "undeclared", queue: "undeclared"),
            ])
        #expect(router.servedQueues == ["images", "plain"])
        #expect(
            Router(defaultQueue: "main", defaultExchange: "x", defaultRoutingKey: "k").declaredBindings == [
                QueueBinding(exchange: "x", routingKey: "k", queue: "main")
            ])
    }

    @Test("a job's own queue goes before the routes, and not before a caller's exchange")
    func jobOptions() {
        let options = JobOptions(queue: "own", priority: 5)
        #expect(options.completing(EnqueueOptions()).route == Route(queue: "own", priority: 5))
        let named = options.completing(
            .with {
                $0.exchange = "e"; $0.routingKey = "k"
            })
        #expect(named.route == Route(exchange: "e", routingKey: "k", priority: 5))
        #expect(JobOptions().completing(EnqueueOptions()).route == Route())
    }

    @Test("what a job says itself stays, the rest is the deployment's")
    func jobDefaults() {
        var defaults = JobDefaults()
        defaults.acksLate = false
        defaults.trackStarted = true
        defaults.timeLimit = .seconds(9)
        let said = JobOptions(timeLimit: .seconds(1), acksLate: true).completed(by: defaults)
        #expect(said.acksLate && said.trackStarted && said.timeLimit == .seconds(1))
        var changed = JobOptions()
        changed.trackStarted = false
        let unsaid = changed.completed(by: defaults)
        #expect(!unsaid.acksLate && !unsaid.trackStarted && unsaid.timeLimit == .seconds(9))
        #expect(JobOptions().completed(by: JobDefaults()).acksLate)
    }
}
