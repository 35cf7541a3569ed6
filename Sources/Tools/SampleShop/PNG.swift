/// Writes pictures of 16 colours as PNG. The data is stored, not compressed: a picture of the shop has some ten kilobytes.
enum PNG {
    /// - Parameters:
    ///   - pixels: One colour index (0–15) per pixel, row by row.
    ///   - palette: Up to 16 colours as 0xRRGGBB.
    static func encode(width: Int, height: Int, pixels: [UInt8], palette: [UInt32]) -> [UInt8] {
        var rows: [UInt8] = []
        for row in 0..<height {
            rows.append(0)
            for pair in stride(from: 0, to: width, by: 2) {
                let left = pixels[row * width + pair]
                let right = pair + 1 < width ? pixels[row * width + pair + 1] : 0
                rows.append(left << 4 | right & 15)
            }
        }
        let colours = palette.prefix(16).flatMap { [UInt8($0 >> 16 & 255), UInt8($0 >> 8 & 255), UInt8($0 & 255)] }
        let header = big(UInt32(width)) + big(UInt32(height)) + [4, 3, 0, 0, 0]
        return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + chunk("IHDR", header) + chunk("PLTE", colours) + chunk("IDAT", zlib(rows)) + chunk("IEND", [])
    }

    private static func chunk(_ type: String, _ data: [UInt8]) -> [UInt8] {
        let body = Array(type.utf8) + data
        return big(UInt32(data.count)) + body + big(crc(body))
    }

    /// Stored blocks of at most 65,535 bytes in zlib's frame.
    private static func zlib(_ data: [UInt8]) -> [UInt8] {
        var result: [UInt8] = [0x78, 0x01]
        var place = 0
        repeat {
            let count = min(65_535, data.count - place)
            let isLast = place + count == data.count
            result += [isLast ? 1 : 0, UInt8(count & 255), UInt8(count >> 8), UInt8(~count & 255), UInt8(~count >> 8 & 255)]
            result += data[place..<(place + count)]
            place += count
        } while place < data.count
        return result + big(adler(data))
    }

    private static func big(_ number: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(number >> UInt32($0) & 255) }
    }

    private static func adler(_ data: [UInt8]) -> UInt32 {
        var low: UInt32 = 1
        var high: UInt32 = 0
        for byte in data {
            low = (low + UInt32(byte)) % 65_521
            high = (high + low) % 65_521
        }
        return high << 16 | low
    }

    private static func crc(_ data: [UInt8]) -> UInt32 {
        ~data.reduce(~0) { value, byte in
            (0..<8).reduce(value ^ UInt32(byte)) { rest, _ in rest & 1 == 1 ? rest >> 1 ^ 0xEDB8_8320 : rest >> 1 }
        }
    }
}
