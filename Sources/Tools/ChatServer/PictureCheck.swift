import Foundation

/// What Telegram demands of a photo: PNG, JPEG or WebP, at most 10 MB, width and height together at most 10,000, a side ratio of at most 20.
enum PictureCheck {
    struct Picture: Equatable {
        var contentType: String
        var width: Int
        var height: Int
    }

    static let maximumBytes = 10 * 1024 * 1024

    /// - Throws: 400, or 413 when it is too big.
    static func check(_ bytes: Data) throws -> Picture {
        if bytes.count > maximumBytes { throw BotAPIError(status: 413, description: "Request Entity Too Large", isBreach: true) }
        if bytes.isEmpty { throw BotAPIError.breach("file must be non-empty") }
        guard let picture = read([UInt8](bytes)) else { throw BotAPIError.breach("IMAGE_PROCESS_FAILED") }
        let (long, short) = (max(picture.width, picture.height), min(picture.width, picture.height))
        guard short > 0, picture.width + picture.height <= 10_000, long <= short * 20 else { throw BotAPIError.breach("PHOTO_INVALID_DIMENSIONS") }
        return picture
    }

    static func read(_ bytes: [UInt8]) -> Picture? {
        if bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]), bytes.count >= 33 {
            guard bytes[12..<16].elementsEqual("IHDR".utf8) else { return nil }
            return Picture(contentType: "image/png", width: number(bytes[16..<20]), height: number(bytes[20..<24]))
        }
        if bytes.starts(with: [0xFF, 0xD8, 0xFF]) { return jpeg(bytes) }
        return webP(bytes)
    }

    private static func number(_ bytes: some Sequence<UInt8>) -> Int { bytes.reduce(0) { $0 << 8 | Int($1) } }

    /// Walks the segments up to the frame header, which holds the size.
    private static func jpeg(_ bytes: [UInt8]) -> Picture? {
        var position = 2
        while position + 9 < bytes.count, bytes[position] == 0xFF {
            let marker = bytes[position + 1]
            if marker == 0xFF {
                position += 1
                continue
            }
            if (0xC0...0xCF).contains(marker), ![0xC4, 0xC8, 0xCC].contains(marker) {
                let (height, width) = (number(bytes[(position + 5)..<(position + 7)]), number(bytes[(position + 7)..<(position + 9)]))
                return Picture(contentType: "image/jpeg", width: width, height: height)
            }
            position += 2 + number(bytes[(position + 2)..<(position + 4)])
        }
        return nil
    }

    private static func webP(_ bytes: [UInt8]) -> Picture? {
        guard bytes.count >= 30, bytes.starts(with: "RIFF".utf8), bytes[8..<12].elementsEqual("WEBP".utf8) else { return nil }
        let width: Int
        let height: Int
        switch String(decoding: bytes[12..<16], as: UTF8.self) {
        case "VP8X":
            width = 1 + number([bytes[26], bytes[25], bytes[24]])
            height = 1 + number([bytes[29], bytes[28], bytes[27]])
        case "VP8L":
            let packed = number([bytes[24], bytes[23], bytes[22], bytes[21]])
            width = 1 + (packed & 0x3FFF)
            height = 1 + ((packed >> 14) & 0x3FFF)
        case "VP8 ":
            width = number([bytes[27], bytes[26]]) & 0x3FFF
            height = number([bytes[29], bytes[28]]) & 0x3FFF
        default: return nil
        }
        return Picture(contentType: "image/webp", width: width, height: height)
    }
}
