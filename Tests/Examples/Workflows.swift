import Apium
import DynamicJSON
import Testing

struct Page: Codable, Sendable, Hashable {
    var url: String
    var size: Int64
}

struct Download: Job {
    static let name = "shop.download"
    static let parameters = ["url"]
    var url: String
    func run(in context: JobContext) async throws -> Page { Page(url: url, size: Int64(url.count)) }
}

// docs: continuing
struct Store: ContinuingJob, Job {
    static let name = "shop.store"
    static let parameters = ["page", "bucket"]  // the input is the first
    static var input: KeyPath<Store, Page> { \.page }
    var page: Page
    var bucket: String?

    func run(in context: JobContext) async throws -> Int64 { bucket == nil ? page.size : page.size * 10 }
}

struct Region: Codable { var bucket: String }  // the other arguments
// docs: end

struct Merge: ContinuingJob, Job {
    static let name = "shop.merge"
    static let parameters = ["pages"]
    static var input: KeyPath<Merge, [Page]> { \.pages }
    var pages: [Page]
    func run(in context: JobContext) async throws -> Int64 { pages.reduce(0) { $0 + $1.size } }
}

struct Sum: ContinuingJob, Job {
    static let name = "shop.sum"
    static let parameters = ["sizes"]
    static var input: KeyPath<Sum, [Int64]> { \.sizes }
    var sizes: [Int64]
    func run(in context: JobContext) async throws -> Int64 { sizes.reduce(0, +) }
}

/// Workflows whose parts fit when they compile.
@Suite("Example: typed workflows", .timeLimit(.minutes(1)))
struct WorkflowExamples {
    @Test("chain, group, chord and their mixtures", arguments: Place.all)
    func workflows(place: Place) async throws {
        var registry = JobRegistry()
        registry.register(Download.self)
        registry.register(Store.self)
        registry.register(Merge.self)
        registry.register(Sum.self)
        let (url, urls) = ("abc", ["a", "bb", "ccc"])
        try await place.run(registry) { client in
            // docs: typed
            let stored = try await client.enqueue(Chain(Download(url: url), then: Store.self))  // JobHandle<Int64>
            let pages = try await client.enqueue(Group(urls.map { Download(url: $0) }))  // GroupHandle<Page>
            let merged = try await client.enqueue(Chord(urls.map { Download(url: $0) }, then: Merge.self))
            let total = try await client.enqueue(Group(urls.map { Chain(Download(url: $0), then: Store.self) }).then(Sum.self))
            let inEurope = try await client.enqueue(Chain(Download(url: url)).then(Store.self, with: Region(bucket: "eu")))
            // docs: end
            #expect(try await stored.value(within: .seconds(20)) == 3)
            #expect(try await pages.values(within: .seconds(20)).map(\.size) == [1, 2, 3])
            #expect(try await merged.value(within: .seconds(20)) == 6)
            #expect(try await total.value(within: .seconds(20)) == 6)
            #expect(try await inEurope.value(within: .seconds(20)) == 30)
        }
    }
}
