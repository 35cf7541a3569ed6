import DynamicJSON

extension Message {
    /// The message as kombu writes it on a Redis list, compactly and in the same order.
    ///
    /// Headers and properties with the value that Celery's readers take for a missing one are left out: each byte costs Redis
    /// several times. Without a delivery tag a new one is made, because each publish has its own.
    public func encoded() -> [UInt8] {
        var output = [UInt8]()
        output.reserveCapacity(encodedSize)
        encode(into: &output)
        return output
    }

    /// About how many bytes ``encoded()`` gives, for room that is made beforehand.
    package var encodedSize: Int { body.bytes.count * 4 / 3 + 768 }

    /// Appends the message as a new publish of it: to this exchange with this routing key, and with a delivery tag of its own.
    package func encode(publishedTo exchange: String, routingKey: String, into output: inout [UInt8]) {
        let publish = Publish(exchange: exchange, routingKey: routingKey, deliveryTag: nil)
        encode(publish, into: &output)
    }

    private func encode(into output: inout [UInt8]) {
        let properties = properties
        encode(Publish(exchange: properties.exchange, routingKey: properties.routingKey, deliveryTag: properties.deliveryTag), into: &output)
    }

    /// What differs between two publishes of one message.
    fileprivate struct Publish {
        let exchange: String
        let routingKey: String
        /// Nil: a new one is made.
        let deliveryTag: String?
    }

    private func encode(_ publish: Publish, into output: inout [UInt8]) {
        let parts = parts
        let encoding = bodyEncoding
        output.append(text: #"{"body":"#)
        write(parts.body.bytes, encoding, to: &output)
        output.append(text: #","content-encoding":"#)
        JSONValue.write(string: parts.body.contentEncoding, to: &output)
        output.append(text: #","content-type":"#)
        JSONValue.write(string: parts.body.contentType, to: &output)
        output.append(text: #","headers":"#)
        parts.headers.write(redelivered: parts.properties.redelivered, to: &output)
        output.append(text: #","properties":"#)
        parts.properties.write(publish, id: parts.headers.id, bodyEncoding: encoding, to: &output)
        if !extra.isEmpty {
            for (key, value) in extra.sorted(by: { $0.key < $1.key }) where !Self.ownNames.contains(key) {
                output.append(UInt8(ascii: ","))
                JSONValue.write(string: key, to: &output)
                output.append(UInt8(ascii: ":"))
                value.write(to: &output)
            }
        }
        output.append(UInt8(ascii: "}"))
    }

    /// The envelope's members that have a property of their own.
    private static let ownNames: Set<String> = ["body", "content-encoding", "content-type", "headers", "properties"]

    /// Bytes that are not UTF-8 cannot stand in JSON as they are.
    private var bodyEncoding: TransferEncoding {
        let body = parts.body
        guard body.transferEncoding == .utf8, !PlainText.isASCII(body.bytes), String(validating: body.bytes, as: UTF8.self) == nil else {
            return body.transferEncoding
        }
        return .base64
    }

    private func write(_ body: [UInt8], _ encoding: TransferEncoding, to output: inout [UInt8]) {
        switch encoding {
        case .base64:
            output.append(UInt8(ascii: "\""))
            Base64.encode(body, into: &output)
            output.append(UInt8(ascii: "\""))
        case .utf8: body.withUnsafeBufferPointer { JSONValue.write(utf8: $0, to: &output) }
        }
    }
}

extension Message.Headers {
    /// The names of the headers that have a member of their own.
    private static let ownNames: Set<String> = [
        "lang", "task", "id", "shadow", "eta", "expires", "group", "group_index", "retries", "timelimit", "root_id", "parent_id", "argsrepr", "kwargsrepr",
        "origin", "ignore_result", "replaced_task_nesting", "stamped_headers", "stamps", "compression", "redelivered",
    ]

    fileprivate func write(redelivered: Bool, to output: inout [UInt8]) {
        var object = ObjectWriter(&output)
        if lang.isEmpty, let other = custom["lang"] { object.member("lang", other, &output) } else { object.member("lang", lang, &output) }
        object.member("task", task, &output)
        object.member("id", id, &output)
        object.optional("shadow", shadow, or: custom, &output)
        if let eta { object.member("eta", eta, &output) }
        if let expires { object.member("expires", expires, &output) }
        if let group { object.member("group", group, &output) }
        if let groupIndex { object.member("group_index", .int(Int64(groupIndex)), &output) }
        if retries != 0 { object.member("retries", .int(Int64(retries)), &output) }
        if hardTimeLimit != nil || softTimeLimit != nil { object.member("timelimit", [hardTimeLimit.seconds, softTimeLimit.seconds], &output) }
        if let rootID { object.member("root_id", rootID, &output) }
        if let parentID { object.member("parent_id", parentID, &output) }
        object.optional("argsrepr", argsRepr, or: custom, &output)
        object.optional("kwargsrepr", kwargsRepr, or: custom, &output)
        object.optional("origin", origin, or: custom, &output)
        if let ignoreResult {
            object.member("ignore_result", .bool(ignoreResult), &output)
        } else if let other = custom["ignore_result"] {
            object.member("ignore_result", other, &output)
        }
        if replacedTaskNesting != 0 { object.member("replaced_task_nesting", .int(Int64(replacedTaskNesting)), &output) }
        if let stampedHeaders {
            object.member("stamped_headers", .array(stampedHeaders.map { .string($0) }), &output)
        } else if let other = custom["stamped_headers"] {
            object.member("stamped_headers", other, &output)
        }
        if let stamps { object.member("stamps", .object(stamps), &output) } else if let other = custom["stamps"] { object.member("stamps", other, &output) }
        if let compression { object.member("compression", compression, &output) }
        if redelivered { object.member("redelivered", true, &output) }
        if !custom.isEmpty {
            for (key, value) in custom.sorted(by: { $0.key < $1.key }) where !Self.ownNames.contains(key) { object.member(named: key, value, &output) }
        }
        object.end(&output)
    }
}

extension Message.Properties {
    /// The names of the properties that are written from members.
    private static let ownNames: Set<String> = ["priority", "body_encoding", "delivery_info", "delivery_tag"]

    fileprivate func write(_ publish: Message.Publish, id: String, bodyEncoding: Message.TransferEncoding, to output: inout [UInt8]) {
        var object = ObjectWriter(&output)
        if let correlationID, correlationID != id { object.member("correlation_id", correlationID, &output) }
        if let replyTo { object.member("reply_to", replyTo, &output) }
        if deliveryMode != 2, extra["delivery_mode"] == nil { object.member("delivery_mode", .int(Int64(deliveryMode)), &output) }
        if let expiration { object.member("expiration", expiration, &output) }
        if !extra.isEmpty {
            let written: Set<String> = Self.ownNames.union(
                [correlationID.map { _ in "correlation_id" }, replyTo.map { _ in "reply_to" }, expiration.map { _ in "expiration" }].compactMap { $0 })
            for (key, value) in extra.sorted(by: { $0.key < $1.key }) where !written.contains(key) { object.member(named: key, value, &output) }
        }
        object.key("delivery_info", &output)
        writeDeliveryInfo(publish, to: &output)
        object.member("priority", .int(Int64(priority)), &output)
        // A body is text where nothing is said; kombu before 5.4 knows no other way to say so, and ends its worker at the word utf-8.
        if bodyEncoding != .utf8 { object.member("body_encoding", bodyEncoding.rawValue, &output) }
        // Last, as kombu does.
        if let tag = publish.deliveryTag {
            object.member("delivery_tag", tag, &output)
        } else {
            object.key("delivery_tag", &output)
            output.append(UInt8(ascii: "\""))
            JobID.writeTimed(to: &output)
            output.append(UInt8(ascii: "\""))
        }
        object.end(&output)
    }

    private func writeDeliveryInfo(_ publish: Message.Publish, to output: inout [UInt8]) {
        var object = ObjectWriter(&output)
        object.member("exchange", publish.exchange, &output)
        object.member("routing_key", publish.routingKey, &output)
        if redelivered { object.member("redelivered", true, &output) }
        if let others = extra["delivery_info"]?.objectValue {
            for (key, value) in others.sorted(by: { $0.key < $1.key }) where !["exchange", "routing_key", "redelivered"].contains(key) {
                object.member(named: key, value, &output)
            }
        }
        object.end(&output)
    }
}

/// Writes an object's punctuation.
struct ObjectWriter {
    private var isEmpty = true

    /// Opens the object.
    init(_ output: inout [UInt8]) { output.append(UInt8(ascii: "{")) }

    /// Writes a key that is plain ASCII or anything else, with what stands around it.
    mutating func key(named key: String, _ output: inout [UInt8]) {
        if !isEmpty { output.append(UInt8(ascii: ",")) }
        isEmpty = false
        JSONValue.write(string: key, to: &output)
        output.append(UInt8(ascii: ":"))
    }

    /// Writes a key that is known to need no escapes.
    mutating func key(_ key: StaticString, _ output: inout [UInt8]) {
        output.append(text: isEmpty ? "\"" : ",\"")
        isEmpty = false
        output.append(text: key)
        output.append(text: "\":")
    }

    /// Writes a member whose name is known.
    mutating func member(_ key: StaticString, _ value: JSONValue, _ output: inout [UInt8]) {
        self.key(key, &output)
        value.write(to: &output)
    }

    /// Writes a member whose name is known, and that is a string.
    mutating func member(_ key: StaticString, _ value: String, _ output: inout [UInt8]) {
        self.key(key, &output)
        JSONValue.write(string: value, to: &output)
    }

    /// Writes a member.
    mutating func member(named key: String, _ value: JSONValue, _ output: inout [UInt8]) {
        self.key(named: key, &output)
        value.write(to: &output)
    }

    /// Writes a member that is a string, or what stood in its place when it was read, if anything did.
    mutating func optional(_ key: StaticString, _ value: String?, or others: [String: JSONValue], _ output: inout [UInt8]) {
        if let value { member(key, value, &output) } else if !others.isEmpty, let other = others[String(describing: key)] { member(key, other, &output) }
    }

    /// Closes the object.
    func end(_ output: inout [UInt8]) { output.append(UInt8(ascii: "}")) }
}

extension [UInt8] {
    /// Appends a text that is known beforehand.
    @inline(__always)
    mutating func append(text: StaticString) { append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)) }
}

extension Double? {
    /// Seconds as Python writes them: whole ones without a fraction.
    fileprivate var seconds: JSONValue {
        guard let self, self.isFinite else { return .null }
        return Int64(exactly: self).map { .int($0) } ?? .double(self)
    }
}
