/// Which addresses are of the public internet: the special-purpose registries of IANA (RFC 6890 and its updates), and the
/// metadata addresses of clouds that lie outside them.
extension IPAddress {
    /// Whether a stranger's link may lead here.
    var isPublic: Bool {
        switch value {
        case .v4(let number): return Self.isPublic(v4: number)
        case .v6(let high, let low): return Self.isPublic(high: high, low: low)
        }
    }

    private static func isPublic(v4 number: UInt32) -> Bool {
        !special4.contains { number & $0.mask == $0.base }
    }

    private static func isPublic(high: UInt64, low: UInt64) -> Bool {
        // An IPv4 address in IPv6 clothes is judged as what it is: mapped (::ffff:0:0/96) and NAT64 (64:ff9b::/96).
        if high == 0, low >> 32 == 0xFFFF { return isPublic(v4: UInt32(truncatingIfNeeded: low)) }
        if high == 0x0064_FF9B_0000_0000, low >> 32 == 0 { return isPublic(v4: UInt32(truncatingIfNeeded: low)) }
        // Only 2000::/3 is global unicast: that leaves out ::, ::1, compatible, local NAT64, unique local, link local, multicast.
        guard high >> 61 == 1 else { return false }
        return !special6.contains { high & $0.mask == $0.base }
    }

    private struct Range4: Sendable {
        let base: UInt32
        let mask: UInt32
        init(_ a: UInt32, _ b: UInt32, _ c: UInt32, _ d: UInt32, _ bits: UInt32) {
            base = a << 24 | b << 16 | c << 8 | d
            mask = bits == 0 ? 0 : ~UInt32(0) << (32 - bits)
        }
    }

    /// A range of IPv6 whose prefix is within the upper half.
    private struct Range6: Sendable {
        let base: UInt64
        let mask: UInt64
        init(_ base: UInt64, _ bits: UInt64) {
            self.base = base
            mask = ~UInt64(0) << (64 - bits)
        }
    }

    private static let special4: [Range4] = [
        Range4(0, 0, 0, 0, 8),  // this network
        Range4(10, 0, 0, 0, 8),  // private
        Range4(100, 64, 0, 0, 10),  // carrier-grade NAT, and a cloud's metadata at 100.100.100.200
        Range4(127, 0, 0, 0, 8),  // loopback
        Range4(168, 63, 129, 16, 32),  // a cloud's platform address
        Range4(169, 254, 0, 0, 16),  // link local, and the metadata of most clouds
        Range4(172, 16, 0, 0, 12),  // private
        Range4(192, 0, 0, 0, 24),  // protocol assignments
        Range4(192, 0, 2, 0, 24),  // documentation
        Range4(192, 88, 99, 0, 24),  // 6to4 relays
        Range4(192, 168, 0, 0, 16),  // private
        Range4(198, 18, 0, 0, 15),  // benchmarks
        Range4(198, 51, 100, 0, 24),  // documentation
        Range4(203, 0, 113, 0, 24),  // documentation
        Range4(224, 0, 0, 0, 4),  // multicast
        Range4(240, 0, 0, 0, 4),  // reserved, broadcast
    ]

    private static let special6: [Range6] = [
        Range6(0x2001_0000_0000_0000, 23),  // protocol assignments: Teredo, benchmarks, ORCHID
        Range6(0x2001_0DB8_0000_0000, 32),  // documentation
        Range6(0x2002_0000_0000_0000, 16),  // 6to4: hides any IPv4 address
        Range6(0x3FFF_0000_0000_0000, 20),  // documentation
    ]
}
