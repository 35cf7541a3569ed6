import DynamicJSON

extension Message {
    /// The message as kombu writes it on a Redis list, compactly and in the same order.
    ///
    /// Every header of protocol 2 is written. Without a delivery tag a new one is made, because each publish has its own.
    public func encoded() -> [UInt8] {
        var output = [UInt8]()
        output.reserveCapacity(body.bytes.count * 4 / 3 + 1024)
        output.append(contentsOf: #"{"body":"#.utf8)
        writeBody(to: &output)
        output.append(contentsOf: #","content-encoding":"#.utf8)
        JSONValue.write(string: body.contentEncoding, to: &output)
        output.append(contentsOf: #","content-type":"#.utf8)
        JSONValue.write(string: body.contentType, to: &output)
        output.append(contentsOf: #","headers":"#.utf8)
        headers.write(redelivered: properties.redelivered, to: &output)
        output.append(contentsOf: #","properties":"#.utf8)
        properties.write(id: headers.id, bodyEncoding: bodyEncoding, to: &output)
        for (key, value) in extra.sorted(by: { $0.key < $1.key }) where !Self.ownNames.contains(key) {
            output.append(UInt8(ascii: ","))
            JSONValue.write(string: key, to: &output)
            output.append(UInt8(ascii: ":"))
            value.write(to: &output)
        }
        output.append(UInt8(ascii: "}"))
        return output
    }

    /// The envelope's members that have a property of their own.
    private static let ownNames: Set<String> = ["body", "content-encoding", "content-type", "headers", "properties"]

    /// Bytes that are not UTF-8 cannot stand in JSON as they are.
    private var bodyEncoding: TransferEncoding {
        body.transferEncoding == .utf8 && String(validating: body.bytes, as: UTF8.self) == nil ? .base64 : body.transferEncoding
    }

    private func writeBody(to output: inout [UInt8]) {
        switch bodyEncoding {
        case .base64:
            output.append(UInt8(ascii: "\""))
            Base64.encode(body.bytes, into: &output)
            output.append(UInt8(ascii: "\""))
        case .utf8: JSONValue.write(string: String(decoding: body.bytes, as: UTF8.self), to: &output)
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
        object.member("lang", lang, &output)
        object.member("task", task, &output)
        object.member("id", id, &output)
        object.member("shadow", optional(shadow, "shadow"), &output)
        object.member("eta", eta.json, &output)
        object.member("expires", expires.json, &output)
        object.member("group", group.json, &output)
        object.member("group_index", groupIndex.json, &output)
        object.member("retries", .int(Int64(retries)), &output)
        object.member("timelimit", [hardTimeLimit.seconds, softTimeLimit.seconds], &output)
        object.member("root_id", rootID.json, &output)
        object.member("parent_id", parentID.json, &output)
        object.member("argsrepr", optional(argsRepr, "argsrepr"), &output)
        object.member("kwargsrepr", optional(kwargsRepr, "kwargsrepr"), &output)
        object.member("origin", optional(origin, "origin"), &output)
        object.member("ignore_result", ignoreResult.map { .bool($0) } ?? custom["ignore_result"] ?? .null, &output)
        object.member("replaced_task_nesting", .int(Int64(replacedTaskNesting)), &output)
        object.member("stamped_headers", stampedHeaders.map { .array($0.map { .string($0) }) } ?? custom["stamped_headers"] ?? .null, &output)
        object.member("stamps", stamps.map { .object($0) } ?? custom["stamps"] ?? [:], &output)
        if let compression { object.member("compression", compression, &output) }
        if redelivered { object.member("redelivered", true, &output) }
        if !custom.isEmpty {
            for (key, value) in custom.sorted(by: { $0.key < $1.key }) where !Self.ownNames.contains(key) { object.member(key, value, &output) }
        }
        object.end(&output)
    }

    /// A member, or what stood in its place when it was read.
    private func optional(_ text: String?, _ key: String) -> JSONValue { text.map { .string($0) } ?? custom[key] ?? .null }
}

extension Message.Properties {
    /// The names of the properties that are written from members.
    private static let ownNames: Set<String> = ["priority", "body_encoding", "delivery_info", "delivery_tag"]

    fileprivate func write(id: String, bodyEncoding: Message.TransferEncoding, to output: inout [UInt8]) {
        var object = ObjectWriter(&output)
        if correlationID != nil || extra["correlation_id"] == nil { object.member("correlation_id", correlationID ?? id, &output) }
        if let replyTo { object.member("reply_to", replyTo, &output) }
        if extra["delivery_mode"] == nil { object.member("delivery_mode", .int(Int64(deliveryMode)), &output) }
        if let expiration { object.member("expiration", expiration, &output) }
        if !extra.isEmpty {
            let written: Set<String> = Self.ownNames.union(
                [correlationID.map { _ in "correlation_id" }, replyTo.map { _ in "reply_to" }, expiration.map { _ in "expiration" }].compactMap { $0 })
            for (key, value) in extra.sorted(by: { $0.key < $1.key }) where !written.contains(key) { object.member(key, value, &output) }
        }
        object.key("delivery_info", &output)
        writeDeliveryInfo(to: &output)
        object.member("priority", .int(Int64(priority)), &output)
        object.member("body_encoding", bodyEncoding.rawValue, &output)
        // Last, as kombu does.
        object.member("delivery_tag", deliveryTag ?? JobID.makeTimed(), &output)
        object.end(&output)
    }

    private func writeDeliveryInfo(to output: inout [UInt8]) {
        var object = ObjectWriter(&output)
        object.member("exchange", exchange, &output)
        object.member("routing_key", routingKey, &output)
        if redelivered { object.member("redelivered", true, &output) }
        for (key, value) in (extra["delivery_info"]?.objectValue ?? [:]).sorted(by: { $0.key < $1.key })
        where !["exchange", "routing_key", "redelivered"].contains(key) {
            object.member(key, value, &output)
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
    mutating func key(_ key: String, _ output: inout [UInt8]) {
        if !isEmpty { output.append(UInt8(ascii: ",")) }
        isEmpty = false
        JSONValue.write(string: key, to: &output)
        output.append(UInt8(ascii: ":"))
    }

    /// Writes a member.
    mutating func member(_ key: String, _ value: JSONValue, _ output: inout [UInt8]) {
        self.key(key, &output)
        value.write(to: &output)
    }

    /// Writes a member that is a string.
    mutating func member(_ key: String, _ value: String, _ output: inout [UInt8]) {
        self.key(key, &output)
        JSONValue.write(string: value, to: &output)
    }

    /// Closes the object.
    func end(_ output: inout [UInt8]) { output.append(UInt8(ascii: "}")) }
}

extension String? {
    fileprivate var json: JSONValue { map { .string($0) } ?? .null }
}

extension Int? {
    fileprivate var json: JSONValue { map { .int(Int64($0)) } ?? .null }
}

extension Double? {
    /// Seconds as Python writes them: whole ones without a fraction.
    fileprivate var seconds: JSONValue {
        guard let self, self.isFinite else { return .null }
        return Int64(exactly: self).map { .int($0) } ?? .double(self)
    }
}
