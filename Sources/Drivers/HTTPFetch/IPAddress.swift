import Foundation

/// A numeric network address.
struct IPAddress: Sendable, Hashable, CustomStringConvertible {
    enum Value: Hashable {
        case v4(UInt32)
        case v6(high: UInt64, low: UInt64)
    }

    let value: Value

    init(v4: UInt32) {
        value = .v4(v4)
    }

    init(high: UInt64, low: UInt64) {
        value = .v6(high: high, low: low)
    }

    /// Reads the canonical spellings only: four decimal octets without leading zeros, or what RFC 4291 allows, without zone.
    init?(_ text: String) {
        var four = in_addr()
        if inet_pton(AF_INET, text, &four) == 1 {
            self.init(v4: UInt32(bigEndian: four.s_addr))
            return
        }
        var six = in6_addr()
        guard inet_pton(AF_INET6, text, &six) == 1 else { return nil }
        self = withUnsafeBytes(of: &six) { IPAddress(sixteen: $0) }
    }

    /// Reads what a socket address holds; nil for families that are not IP.
    init?(socketAddress: UnsafeRawBufferPointer, family: Int32) {
        switch family {
        case AF_INET:
            guard socketAddress.count >= MemoryLayout<sockaddr_in>.size else { return nil }
            self.init(v4: UInt32(bigEndian: socketAddress.loadUnaligned(as: sockaddr_in.self).sin_addr.s_addr))
        case AF_INET6:
            guard socketAddress.count >= MemoryLayout<sockaddr_in6>.size else { return nil }
            var six = socketAddress.loadUnaligned(as: sockaddr_in6.self).sin6_addr
            self = withUnsafeBytes(of: &six) { IPAddress(sixteen: $0) }
        default:
            return nil
        }
    }

    private init(sixteen bytes: UnsafeRawBufferPointer) {
        let high = UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self))
        let low = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        self.init(high: high, low: low)
    }

    var description: String {
        switch value {
        case .v4(let number):
            return [24, 16, 8, 0].map { String((number >> UInt32($0)) & 0xFF) }.joined(separator: ".")
        case .v6(let high, let low):
            return [high, low].flatMap { half in [48, 32, 16, 0].map { String((half >> UInt64($0)) & 0xFFFF, radix: 16) } }.joined(separator: ":")
        }
    }
}
