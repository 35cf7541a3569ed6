import Foundation
import Synchronization

/// A small blocking HTTP server on a free loopback port; the test says byte by byte what it answers.
final class LoopbackServer: Sendable {
    /// One connection's request and the means to answer it.
    final class Exchange {
        let head: String
        let body: [UInt8]
        private let socket: Int32
        fileprivate(set) var keepsAlive = true

        fileprivate init(head: String, body: [UInt8], socket: Int32) {
            self.head = head
            self.body = body
            self.socket = socket
        }

        var path: String { String(head.split(separator: " ").dropFirst().first ?? "") }

        @discardableResult
        func send(_ bytes: [UInt8]) -> Bool {
            var sent = 0
            while sent < bytes.count {
                let count = bytes.withUnsafeBytes { Foundation.send(socket, $0.baseAddress?.advanced(by: sent), bytes.count - sent, Int32(MSG_NOSIGNAL)) }
                guard count > 0 else {
                    keepsAlive = false
                    return false
                }
                sent += count
            }
            return true
        }

        @discardableResult
        func send(_ text: String) -> Bool { send(Array(text.utf8)) }

        func answer(_ status: String = "200 OK", headers: [String] = [], body: [UInt8] = []) {
            let lines = ["HTTP/1.1 \(status)", "Content-Length: \(body.count)"] + headers
            send(Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8) + body)
        }

        func close() { keepsAlive = false }

        /// Blocks until the client has gone.
        func waitForClientToLeave() {
            var byte: UInt8 = 0
            while recv(socket, &byte, 1, 0) > 0 {}
            keepsAlive = false
        }
    }

    struct Counts: Sendable {
        var connections = 0
        var requests: [String] = []
    }

    let port: UInt16
    private let listener: Int32
    private let counts = Mutex(Counts())
    private let handler: @Sendable (Exchange) -> Void
    private let greeting: [UInt8]

    /// - Parameter greeting: What is said to each client before it says anything.
    init(greeting: String = "", _ handler: @escaping @Sendable (Exchange) -> Void) throws {
        self.handler = handler
        self.greeting = Array(greeting.utf8)
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = self.listener
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(listener, address, length) == 0 && listen(listener, 64) == 0 && getsockname(listener, address, &length) == 0
            }
        }
        guard isBound else { throw CocoaError(.fileReadUnknown) }
        port = UInt16(bigEndian: address.sin_port)
        Thread { [self] in acceptLoop() }.start()
    }

    var hostAndPort: String { "127.0.0.1:\(port)" }
    var url: String { "http://\(hostAndPort)" }
    var connections: Int { counts.withLock { $0.connections } }
    /// The heads of the requests, in order of arrival.
    var requests: [String] { counts.withLock { $0.requests } }

    /// Ends the accepting; the accept loop holds the server until then.
    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
    }

    private func acceptLoop() {
        while true {
            let client = accept(listener, nil, nil)
            guard client >= 0 else { break }
            counts.withLock { $0.connections += 1 }
            Thread { [self] in serve(client) }.start()
        }
        close(listener)
    }

    private func serve(_ client: Int32) {
        defer { close(client) }
        var buffer: [UInt8] = []
        if !greeting.isEmpty { _ = greeting.withUnsafeBytes { Foundation.send(client, $0.baseAddress, greeting.count, Int32(MSG_NOSIGNAL)) } }
        while let exchange = read(from: client, &buffer) {
            counts.withLock { $0.requests.append(exchange.head) }
            handler(exchange)
            if !exchange.keepsAlive { break }
        }
    }

    private func read(from client: Int32, _ buffer: inout [UInt8]) -> Exchange? {
        while true {
            if let end = buffer.firstRange(of: Array("\r\n\r\n".utf8))?.upperBound {
                let head = String(decoding: buffer[..<end], as: UTF8.self)
                let length =
                    head.split(separator: "\r\n").compactMap { line -> Int? in
                        line.lowercased().hasPrefix("content-length:") ? Int(line.dropFirst(15).trimmingCharacters(in: .whitespaces)) : nil
                    }.first ?? 0
                if buffer.count >= end + length {
                    defer { buffer.removeFirst(end + length) }
                    return Exchange(head: head, body: Array(buffer[end..<(end + length)]), socket: client)
                }
            }
            var chunk = [UInt8](repeating: 0, count: 16384)
            let count = recv(client, &chunk, chunk.count, 0)
            guard count > 0 else { return nil }
            buffer += chunk[..<count]
        }
    }
}
