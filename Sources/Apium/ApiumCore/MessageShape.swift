import DynamicJSON

/// A message that was read, and where the texts stand in it that differ from one message of its sender to the next.
///
/// A message that is byte for byte the same around these texts has the same members with the same values, so nothing else of it has to be
/// read. Whatever is not quite so (another text around, an escape that is damaged, a body that is no base 64) is no message of this shape:
/// ``Message/init(decoding:sizeLimit:accepting:)`` then reads it, or says what is wrong.
final class MessageShape: Sendable {
    /// A text that differs.
    private enum Field: Sendable {
        case body, id, rootID, parentID, group, eta, expires, argsRepr, kwargsRepr, origin, correlationID, replyTo, deliveryTag
        /// A header that is not Celery's own, such as one of a tracer.
        case custom(String)
    }

    /// What stands in front of a text, and what the text is.
    private struct Place: Sendable {
        let before: Range<Int>
        let field: Field
    }

    /// More than this around the texts is not kept.
    private static let sizeLimit = 16 * 1024

    /// All that is the same in each message, without the texts and their quotes.
    private let fixed: [UInt8]
    private let places: [Place]
    /// What stands behind the last text.
    private let end: Range<Int>
    private let headers: Message.Headers
    private let properties: Message.Properties
    private let extra: [String: JSONValue]
    /// The body without its bytes.
    private let body: Message.Body
    /// Whether the correlation id, which is left out, is the id.
    private let isCorrelatedByID: Bool

    /// The shape of a message that was read; `nil` for one of protocol 1, and for one that has too much around its texts.
    init?(of message: Message, bytes: UnsafeBufferPointer<UInt8>) {
        guard let outline = try? Outline(bytes), outline.namesTask, outline.fixed.count <= Self.sizeLimit else { return nil }
        fixed = outline.fixed
        places = outline.places
        end = (places.last?.before.upperBound ?? 0)..<fixed.count
        headers = message.headers
        properties = message.properties
        extra = message.extra
        body = Message.Body(
            bytes: [], contentType: message.body.contentType, contentEncoding: message.body.contentEncoding, transferEncoding: message.body.transferEncoding)
        let namesCorrelation = places.contains { if case .correlationID = $0.field { true } else { false } }
        isCorrelatedByID = !namesCorrelation && message.properties.correlationID != nil
        // Where a member stands twice, once as no text, the order of the two counts, which is not kept here.
        guard self.message(bytes) == message else { return nil }
    }

    /// Reads a message of this shape; `nil` when it has another.
    func message(_ bytes: UnsafeBufferPointer<UInt8>) -> Message? {
        withUnsafeTemporaryAllocation(of: EnvelopeScanner.StringToken.self, capacity: places.count) { tokens in
            var scanner = EnvelopeScanner(bytes)
            let isAlike = fixed.withUnsafeBufferPointer { fixed in
                for (number, place) in places.enumerated() {
                    guard scanner.pass(fixed[place.before]), let token = try? scanner.stringToken() else { return false }
                    tokens.initializeElement(at: number, to: token)
                }
                return scanner.pass(fixed[end]) && scanner.isAtEnd
            }
            return isAlike ? message(of: tokens, scanner) : nil
        }
    }

    private func message(of tokens: UnsafeMutableBufferPointer<EnvelopeScanner.StringToken>, _ scanner: EnvelopeScanner) -> Message? {
        var headers = headers
        var properties = properties
        var encodedBody: EnvelopeScanner.StringToken?
        for (number, place) in places.enumerated() {
            let token = tokens[number]
            func text(_ known: String?) -> String? { try? scanner.text(token, sharing: known) }
            switch place.field {
            case .body: encodedBody = token
            case .id: if let text = text(nil) { headers.id = text } else { return nil }
            case .rootID: if let text = text(headers.id) { headers.rootID = text } else { return nil }
            case .parentID: if let text = text(headers.parentID) { headers.parentID = text } else { return nil }
            case .group: if let text = text(headers.group) { headers.group = text } else { return nil }
            case .eta: if let text = text(headers.eta) { headers.eta = text } else { return nil }
            case .expires: if let text = text(headers.expires) { headers.expires = text } else { return nil }
            case .argsRepr: if let text = text(headers.argsRepr) { headers.argsRepr = text } else { return nil }
            case .kwargsRepr: if let text = text(headers.kwargsRepr) { headers.kwargsRepr = text } else { return nil }
            case .origin: if let text = text(headers.origin) { headers.origin = text } else { return nil }
            case .correlationID: if let text = text(headers.id) { properties.correlationID = text } else { return nil }
            case .replyTo: if let text = text(properties.replyTo) { properties.replyTo = text } else { return nil }
            case .deliveryTag: if let text = text(nil) { properties.deliveryTag = text } else { return nil }
            case .custom(let name):
                let known = headers.custom[name]?.stringValue
                if let known, token.equals(known) { continue }
                if let text = text(nil) { headers.custom[name] = .string(text) } else { return nil }
            }
        }
        guard let encodedBody, let bytes = try? scanner.body(encodedBody, body.transferEncoding) else { return nil }
        if isCorrelatedByID { properties.correlationID = headers.id }
        var body = body
        body.bytes = bytes
        return Message(headers: headers, properties: properties, body: body, extra: extra)
    }
}

extension MessageShape {
    /// Finds the texts in a message that is known to be sound.
    private struct Outline {
        private let bytes: UnsafeBufferPointer<UInt8>
        private(set) var places: [Place] = []
        /// All that stands around the texts.
        private(set) var fixed: [UInt8] = []
        /// Where what stands behind the last text begins.
        private var start = 0
        /// Whether it is of protocol 2.
        private(set) var namesTask = false

        init(_ bytes: UnsafeBufferPointer<UInt8>) throws {
            self.bytes = bytes
            var scanner = EnvelopeScanner(bytes)
            try scanner.object { key, scanner in
                switch key {
                case "body": try note(.body, &scanner)
                case "headers" where scanner.next == UInt8(ascii: "{"):
                    try scanner.object { key, scanner in
                        if key == "task" { namesTask = scanner.next == UInt8(ascii: "\"") }
                        try note(Self.header(key), &scanner)
                    }
                case "properties" where scanner.next == UInt8(ascii: "{"): try scanner.object { try note(Self.property($0), &$1) }
                default: try scanner.skip()
                }
            }
            fixed.append(contentsOf: bytes[start...])
        }

        /// Takes the value at the scanner: as a place, if it is a text that may differ.
        private mutating func note(_ field: Field?, _ scanner: inout EnvelopeScanner) throws {
            guard let field, scanner.next == UInt8(ascii: "\"") else { return try scanner.skip() }
            let known = fixed.count
            fixed.append(contentsOf: bytes[start..<scanner.position])
            places.append(Place(before: known..<fixed.count, field: field))
            try scanner.skip()
            start = scanner.position
        }

        private static func header(_ key: EnvelopeScanner.Key) -> Field? {
            switch key {
            case "id": .id
            case "root_id": .rootID
            case "parent_id": .parentID
            case "group": .group
            case "eta": .eta
            case "expires": .expires
            case "argsrepr": .argsRepr
            case "kwargsrepr": .kwargsRepr
            case "origin": .origin
            // The same in each message of one kind, or no texts.
            case "task", "lang", "shadow", "compression", "redelivered", "retries", "timelimit", "group_index", "replaced_task_nesting": nil
            default: .custom(key.text)
            }
        }

        private static func property(_ key: EnvelopeScanner.Key) -> Field? {
            switch key {
            case "correlation_id": .correlationID
            case "reply_to": .replyTo
            case "delivery_tag": .deliveryTag
            default: nil
            }
        }
    }
}
