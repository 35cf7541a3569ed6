import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Logging
import PriceWatchModel
import PriceWatchProto
import Testing

@testable import PriceWatchParser
@testable import PriceWatchParserClient
@testable import SampleShop

@Suite("The parser over gRPC", .timeLimit(.minutes(2)))
struct ServiceTests {
    @Test("every product of the sample shop is read, with one fetch each")
    func wholeShop() async throws {
        try await ShopUnderTest.run { stack in
            for product in stack.shelf.products {
                let link = stack.shop + product.path
                let page = try await stack.client.parse(link + "?utm_source=chat#x", within: .seconds(20))
                #expect(page.price.minorUnits == product.price, "\(product.id)")
                #expect(page.price.currency.code == product.currency, "\(product.id)")
                #expect(page.canonicalURL == link, "\(product.id)")
                #expect(page.imageURL?.hasPrefix(stack.shop) == true, "\(product.id)")
                #expect(page.availability == .inStock, "\(product.id)")
                let names = [product.name, "Учебный / " + product.name, product.name + " & Garden"]
                #expect(names.contains(page.name), "\(product.id): \(page.name)")
                #expect(stack.shelf.fetches[product.id] == 1, "\(product.id)")
            }
        }
    }

    @Test("a changed price and availability are seen at the next reading")
    func changes() async throws {
        try await ShopUnderTest.run { stack in
            stack.shelf.change("tea", price: 19_990, availability: .outOfStock)
            #expect(await stack.brief(stack.link("tea")) == "199.90 RUB out_of_stock microdata")
            stack.shelf.change("boots", price: nil, availability: .outOfStock)
            #expect(await stack.brief(stack.link("boots")) == "no_price")
        }
    }

    @Test(
        "what the shop answers decides the outcome",
        arguments: [(404, "not_found"), (410, "not_found"), (403, "blocked"), (429, "blocked"), (500, "unreachable"), (503, "unreachable")])
    func faults(_ status: Int, _ expected: String) async throws {
        try await ShopUnderTest.run { stack in
            for id in ["kettle", "shirt"] {
                stack.shelf.setFault(Fault(status: status), on: id)
                #expect(await stack.brief(stack.link(id)) == expected)
            }
        }
    }

    @Test("pages that are no product, and links that are none, have their own outcomes")
    func otherPages() async throws {
        try await ShopUnderTest.run { stack in
            #expect(await stack.brief(stack.shop + "/") == "not_a_product")
            #expect(await stack.brief(stack.shop + "/products/nothing") == "not_found")
            #expect(await stack.brief(stack.shop + "/catalog/5/detail.aspx") == "not_found")
            #expect(await stack.brief(stack.shop + "/pictures/tea.png") == "not_a_product")
            #expect(await stack.brief(stack.shop + "/products") == "not_a_product")
            for link in ["hello", "ftp://shop.ru/", "http://u:p@127.0.0.1/", "http://10.0.0.1/", "http://localhost/", ""] {
                #expect(await stack.brief(link) == "refused_address", "\(link)")
            }
        }
    }

    @Test("without an allow list no loopback shop is read, and nothing is fetched")
    func guarded() async throws {
        try await ShopUnderTest.run(allowing: false) { stack in
            #expect(await stack.brief(stack.link("kettle")) == "refused_address")
            #expect(await stack.brief(stack.link("shirt")) == "refused_address")
            #expect(stack.shelf.fetches.isEmpty)
        }
    }

    @Test("the caller's deadline ends the call, a slow shop the fetch")
    func deadlines() async throws {
        try await ShopUnderTest.run({ $0.limits.total = .milliseconds(1500) }) { stack in
            stack.shelf.setFault(Fault(delay: .seconds(60)), on: "kettle")
            #expect(await stack.brief(stack.link("kettle"), within: .milliseconds(150)) == "timed_out")
            #expect(await stack.brief(stack.link("kettle")) == "timed_out")
            #expect(await stack.brief(stack.link("tea")) == "249.90 RUB in_stock microdata")
        }
    }

    @Test("a batch gives each result as it comes, a slow page last")
    func batch() async throws {
        try await ShopUnderTest.run { stack in
            stack.shelf.setFault(Fault(delay: .milliseconds(600)), on: "kettle")
            let links = [stack.link("kettle"), stack.link("tea"), "ftp://x/", stack.link("mug")] + stack.shelf.products.map { stack.shop + $0.path }
            let indices = try await Raw.batch(stack.parserPort, links)
            #expect(indices.count == links.count)
            #expect(Set(indices) == Set(0..<links.count))
            #expect(Set(indices.suffix(2)) == [0, 4])
        }
    }

    @Test("a malformed request, one too large and one too many have statuses of their own")
    func statuses() async throws {
        try await ShopUnderTest.run({ $0.mostAtOnce = 1 }) { stack in
            #expect(await Raw.code { try await Raw.parse(stack.parserPort, "") } == .invalidArgument)
            #expect(await Raw.code { try await Raw.batch(stack.parserPort, Array(repeating: "http://x.ru/", count: 101)) } == .invalidArgument)
            #expect(await Raw.code { try await Raw.batch(stack.parserPort, ["http://x.ru/", ""]) } == .invalidArgument)
            // The transport refuses it and resets the stream; which status a client makes of that is the client's.
            #expect(await Raw.code { try await Raw.parse(stack.parserPort, String(repeating: "a", count: 600_000)) } != nil)
            #expect(await Raw.code { try await Raw.batch(stack.parserPort, ["http://x.ru/", "http://y.ru/"]) } == .resourceExhausted)
            #expect(await stack.brief(stack.link("tea")) == "249.90 RUB in_stock microdata")
        }
    }

    @Test("the health service answers for the server and its service, and for no other")
    func health() async throws {
        try await ShopUnderTest.run { stack in
            #expect(await stack.client.isServing(within: .seconds(20)))
            let named = try await Raw.health(stack.parserPort, "pricewatch.parser.v1.ParserService")
            #expect(named == .serving)
            #expect(await Raw.code { try await Raw.health(stack.parserPort, "nothing") } == .notFound)
            let watched = try await Raw.firstWatched(stack.parserPort, "")
            #expect(watched == .serving)
            let unknown = try await Raw.firstWatched(stack.parserPort, "nothing")
            #expect(unknown == .serviceUnknown)
        }
    }

    @Test("a parser that is not there is told apart from a shop that is not")
    func noParser() async throws {
        // A port that was free a moment ago.
        let port = try await ShopUnderTest.run { $0.parserPort }
        let client = try GRPCProductParser(host: "127.0.0.1", port: port, logger: Logger(label: "test"))
        let task = Task { try await client.run() }
        defer { task.cancel() }
        await #expect(throws: PageTrouble(.parserUnavailable)) { try await client.parse("http://shop.ru/", within: .seconds(10)) }
        #expect(await client.isServing(within: .milliseconds(200)) == false)
    }
}

@Suite("A page that takes the parser away")
struct DeadlyPageTests {
    private struct Run {
        var calls = 0
        var looks = 0
    }

    /// What comes of calls that end so, one after the other, with a parser that is back, or not, after each.
    private func outcome(_ ends: [RPCError.Code?], isBack: [Bool]) async -> (String, calls: Int) {
        var run = Run()
        do {
            let answer = try await GRPCProductParser.tellingDeadly(returns: {
                run.looks += 1
                return isBack[run.looks - 1]
            }) {
                run.calls += 1
                if let code = ends[run.calls - 1] { throw RPCError(code: code, message: "") }
                return "answer"
            }
            return (answer, run.calls)
        } catch let trouble as PageTrouble {
            return (trouble.failure.rawValue, run.calls)
        } catch {
            return ((error as? RPCError).map { "\($0.code)" } ?? "?", run.calls)
        }
    }

    @Test("only one that does so twice, with a parser that is back each time, is to blame")
    func blame() async {
        #expect(await outcome([nil], isBack: []) == ("answer", 1))
        #expect(await outcome([.unavailable, nil], isBack: [true]) == ("answer", 2))
        #expect(await outcome([.unavailable, .unavailable], isBack: [true, true]) == ("unreachable", 2))
        #expect(await outcome([.unavailable], isBack: [false]) == ("unavailable", 1))
        #expect(await outcome([.unavailable, .unavailable], isBack: [true, false]) == ("unavailable", 2))
        #expect(await outcome([.resourceExhausted], isBack: []) == ("resourceExhausted", 1))
        #expect(await outcome([.deadlineExceeded], isBack: []) == ("deadlineExceeded", 1))
    }
}

@Suite("The health service's watchers")
struct ServingStateTests {
    @Test("watchers hear the end once, and so do those who come later", .timeLimit(.minutes(1)))
    func stop() async {
        let state = ServingState()
        let early = state.changes()
        state.stop()
        var heard: [Grpc_Health_V1_HealthCheckResponse.ServingStatus] = []
        for await status in early { heard.append(status) }
        #expect(heard == [.serving, .notServing])
        heard = []
        for await status in state.changes() { heard.append(status) }
        #expect(heard == [.notServing])
    }
}
