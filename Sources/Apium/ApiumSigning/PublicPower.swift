/// RSAVP1 of RFC 8017: a signature to the power of the public exponent. Nothing here is secret, so its time may tell of everything.
///
/// Montgomery's multiplication on limbs of 64 bits, the least first.
struct PublicPower: Sendable {
    /// The modulus; odd.
    private let modulus: [UInt64]
    private let exponent: UInt64
    /// −1 / modulus, modulo 2⁶⁴.
    private let inverse: UInt64
    /// The square of 2^(64 · limbs), modulo the modulus.
    private let square: [UInt64]
    /// How many bytes the modulus has.
    let byteCount: Int

    /// - Parameters: numbers with the greatest byte first. `nil` for an even modulus, and for exponents that no key has: even ones, 1, and those
    ///   of more than 8 bytes.
    init?(modulus bytes: [UInt8], exponent exponentBytes: [UInt8]) {
        let exponentBytes = exponentBytes.drop { $0 == 0 }
        let bytes = bytes.drop { $0 == 0 }
        guard exponentBytes.count <= 8, !bytes.isEmpty, bytes.last.map({ $0 & 1 == 1 }) == true else { return nil }
        exponent = exponentBytes.reduce(0) { $0 << 8 | UInt64($1) }
        guard exponent > 1, exponent & 1 == 1 else { return nil }
        modulus = Self.limbs(Array(bytes), count: (bytes.count + 7) / 8)
        byteCount = bytes.count
        // Newton's step doubles the bits that are right; 1 is right for one bit.
        var inverse: UInt64 = 1
        for _ in 0..<6 { inverse = inverse &* (2 &- modulus[0] &* inverse) }
        self.inverse = 0 &- inverse
        var power = [UInt64](repeating: 0, count: modulus.count)
        power[0] = 1
        for _ in 0..<(128 * modulus.count) { Self.double(&power, modulo: modulus) }
        square = power
    }

    /// The number to the power of the exponent; `nil` when it is not below the modulus.
    func callAsFunction(_ bytes: [UInt8]) -> [UInt8]? {
        guard bytes.count == byteCount else { return nil }
        let number = Self.limbs(bytes, count: modulus.count)
        guard Self.isLess(number, modulus) else { return nil }
        let base = product(number, square)
        var power = base
        for bit in (0..<(63 - exponent.leadingZeroBitCount)).reversed() {
            power = product(power, power)
            if exponent >> UInt64(bit) & 1 == 1 { power = product(power, base) }
        }
        var one = [UInt64](repeating: 0, count: modulus.count)
        one[0] = 1
        return Self.bytes(product(power, one), count: byteCount)
    }

    /// left · right / 2^(64 · limbs), modulo the modulus.
    private func product(_ left: [UInt64], _ right: [UInt64]) -> [UInt64] {
        let count = modulus.count
        var sum = [UInt64](repeating: 0, count: count + 2)
        for index in 0..<count {
            Self.add(left[index], times: right, to: &sum)
            Self.add(sum[0] &* inverse, times: modulus, to: &sum)
            // The lowest limb is zero now.
            for place in 0...count { sum[place] = sum[place + 1] }
            sum[count + 1] = 0
        }
        var result = Array(sum.prefix(count))
        if sum[count] != 0 || !Self.isLess(result, modulus) { Self.subtract(modulus, from: &result) }
        return result
    }

    /// Adds factor · number to a sum that is two limbs longer.
    private static func add(_ factor: UInt64, times number: [UInt64], to sum: inout [UInt64]) {
        var carry: UInt64 = 0
        for index in number.indices {
            var (high, low) = factor.multipliedFullWidth(by: number[index])
            var overflow: Bool
            (low, overflow) = low.addingReportingOverflow(carry)
            if overflow { high &+= 1 }
            (sum[index], overflow) = sum[index].addingReportingOverflow(low)
            carry = high &+ (overflow ? 1 : 0)
        }
        var overflow: Bool
        (sum[number.count], overflow) = sum[number.count].addingReportingOverflow(carry)
        if overflow { sum[number.count + 1] &+= 1 }
    }

    private static func double(_ number: inout [UInt64], modulo modulus: [UInt64]) {
        var carry: UInt64 = 0
        for index in number.indices {
            let next = number[index] >> 63
            number[index] = number[index] << 1 | carry
            carry = next
        }
        if carry != 0 || !isLess(number, modulus) { subtract(modulus, from: &number) }
    }

    private static func subtract(_ right: [UInt64], from left: inout [UInt64]) {
        var borrow: UInt64 = 0
        for index in left.indices {
            let (first, firstBorrow) = left[index].subtractingReportingOverflow(right[index])
            let (second, secondBorrow) = first.subtractingReportingOverflow(borrow)
            left[index] = second
            borrow = firstBorrow || secondBorrow ? 1 : 0
        }
    }

    private static func isLess(_ left: [UInt64], _ right: [UInt64]) -> Bool {
        for index in left.indices.reversed() where left[index] != right[index] { return left[index] < right[index] }
        return false
    }

    private static func limbs(_ bytes: [UInt8], count: Int) -> [UInt64] {
        var limbs = [UInt64](repeating: 0, count: count)
        for (place, byte) in bytes.reversed().enumerated() { limbs[place / 8] |= UInt64(byte) << UInt64(8 * (place % 8)) }
        return limbs
    }

    private static func bytes(_ limbs: [UInt64], count: Int) -> [UInt8] {
        (0..<count).reversed().map { UInt8(truncatingIfNeeded: limbs[$0 / 8] >> UInt64(8 * ($0 % 8))) }
    }
}
