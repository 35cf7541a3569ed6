import Foundation

/// Reads pages on a few threads of its own, so that a large page holds up neither the cooperative pool nor an event loop.
public final class HTMLReader: Sendable {
    private let queue: OperationQueue
    private let limits: HTMLLimits

    /// Makes a reader.
    /// - Parameters:
    ///   - threads: How many pages are read at once; 2 by default. More wait in line.
    ///   - limits: What each page may cost.
    public init(threads: Int = 2, limits: HTMLLimits = HTMLLimits()) {
        queue = OperationQueue()
        queue.name = "html-reader"
        queue.maxConcurrentOperationCount = max(1, threads)
        self.limits = limits
    }

    /// Reads a page and hands it to the body, both on one of the reader's threads. The document must not leave the body.
    /// - Throws: ``HTMLError``, or what the body throws.
    public func read<Result: Sendable>(
        _ bytes: [UInt8], contentType: String?, _ body: @escaping @Sendable (HTMLDocument) throws -> Result
    ) async throws -> Result {
        let limits = self.limits
        return try await withCheckedThrowingContinuation { continuation in
            queue.addOperation {
                continuation.resume(
                    with: Swift.Result { try body(HTMLDocument(parsing: bytes, contentType: contentType, limits: limits)) })
            }
        }
    }
}
