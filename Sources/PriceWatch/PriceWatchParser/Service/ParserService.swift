import GRPCCore
import Logging
import PriceWatchModel
import PriceWatchProto

/// The gRPC face of the page parser.
///
/// The caller's deadline cancels the call, and with it the fetch. What a page or a shop does wrong is an outcome; a status
/// other than OK speaks of the call itself.
struct ParserService: Pricewatch_Parser_V1_ParserService.SimpleServiceProtocol {
    /// Links of one batch.
    static let mostLinks = 100
    /// Pages of one batch that are fetched at once.
    static let batchWidth = 16

    let parser: PageParser
    let admission: Admission
    let logger: Logger
    let metrics = ParserMetrics()

    func parse(request: Pricewatch_Parser_V1_ParseRequest, context: ServerContext) async throws -> Pricewatch_Parser_V1_ParseResponse {
        guard !request.link.isEmpty else { throw RPCError(code: .invalidArgument, message: "the request has no link") }
        let response = try await admission.admit(1) { try await outcome(of: request.link) }
        guard let response else { throw Self.noRoom }
        return response
    }

    func parseBatch(
        request: Pricewatch_Parser_V1_ParseBatchRequest, response: RPCWriter<Pricewatch_Parser_V1_ParseBatchResponse>, context: ServerContext
    ) async throws {
        let links = request.links
        guard links.count <= Self.mostLinks else {
            throw RPCError(code: .invalidArgument, message: "the request has \(links.count) links; \(Self.mostLinks) are the most")
        }
        guard !links.contains("") else { throw RPCError(code: .invalidArgument, message: "the request has an empty link") }
        let width = min(links.count, Self.batchWidth)
        let isDone: Void? = try await admission.admit(width) { try await sendOutcomes(of: links, to: response, width: width) }
        guard isDone != nil else { throw Self.noRoom }
    }

    /// Sends each result as it comes; at most `width` pages are under way.
    private func sendOutcomes(of links: [String], to writer: RPCWriter<Pricewatch_Parser_V1_ParseBatchResponse>, width: Int) async throws {
        try await withThrowingTaskGroup(of: Pricewatch_Parser_V1_ParseBatchResponse.self) { group in
            var pending = links.enumerated().makeIterator()
            for _ in 0..<width {
                if let (index, link) = pending.next() { group.addTask { try await item(index, link) } }
            }
            while let item = try await group.next() {
                try await writer.write(item)
                if let (index, link) = pending.next() { group.addTask { try await self.item(index, link) } }
            }
        }
    }

    private func item(_ index: Int, _ link: String) async throws -> Pricewatch_Parser_V1_ParseBatchResponse {
        var item = Pricewatch_Parser_V1_ParseBatchResponse()
        item.index = UInt32(index)
        item.result = try await outcome(of: link)
        return item
    }

    private func outcome(of link: String) async throws -> Pricewatch_Parser_V1_ParseResponse {
        let start = ContinuousClock.now
        do {
            let result = try await parser.parse(link)
            metrics.record(result, took: start.duration(to: .now))
            if case .failure(let fault) = result { logger.debug("no price", metadata: ["reason": "\(fault.reason.rawValue)", "why": "\(fault.message)"]) }
            return Pricewatch_Parser_V1_ParseResponse(result)
        } catch is CancellationError {
            // Either the caller's deadline passed or the caller went away; the latter reads no status.
            throw RPCError(code: .deadlineExceeded, message: "the page did not come within the call's deadline")
        }
    }

    private static let noRoom = RPCError(code: .resourceExhausted, message: "the parser has as many pages under way as it takes; try again later")
}
