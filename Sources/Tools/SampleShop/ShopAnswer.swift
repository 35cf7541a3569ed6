import Foundation
import Hummingbird

/// The kinds of answers that the shop gives.
enum ShopAnswer {
    static func html(_ text: String, status: HTTPResponse.Status = .ok) -> Response {
        bytes(Array(text.utf8), type: "text/html; charset=utf-8", status: status)
    }

    /// A page in the old Cyrillic charset; only its `meta` says so.
    static func windows1251(_ text: String) -> Response {
        bytes(Windows1251.encode(text), type: "text/html")
    }

    static func text(_ text: String, status: HTTPResponse.Status = .ok) -> Response {
        bytes(Array(text.utf8), type: "text/plain; charset=utf-8", status: status)
    }

    static func json(_ value: some Encodable) throws -> Response {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return bytes(Array(try encoder.encode(value)), type: "application/json")
    }

    static func missing(_ language: Language) -> Response {
        html("<!doctype html><title>404</title><h1>\(language.missing)</h1>", status: .notFound)
    }

    static func bytes(_ bytes: [UInt8], type: String, status: HTTPResponse.Status = .ok) -> Response {
        Response(status: status, headers: [.contentType: type, .cacheControl: "no-store"], body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}

/// Windows-1251, as far as the shop's pages need it.
enum Windows1251 {
    static func encode(_ text: String) -> [UInt8] {
        text.unicodeScalars.map { scalar in
            switch scalar {
            case "А"..."я": UInt8(scalar.value - 0x410 + 0xC0)
            case "Ё": 0xA8
            case "ё": 0xB8
            case "«": 0xAB
            case "»": 0xBB
            case "№": 0xB9
            case "—": 0x97
            case "–": 0x96
            case "·": 0xB7
            case "\u{A0}": 0xA0
            default: scalar.value < 0x80 ? UInt8(scalar.value) : UInt8(ascii: "?")
            }
        }
    }
}
