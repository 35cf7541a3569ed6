import Foundation

/// A file that came with a multipart form.
struct UploadedFile: Sendable, Equatable {
    var name: String
    var bytes: Data
}

/// The parameters of one Bot API call, whatever way they came: query, JSON body, URL-encoded form or multipart form. In forms nested values are
/// JSON text.
struct BotAPIParameters: Sendable {
    private(set) var values: [String: JSONValue] = [:]
    private(set) var files: [String: UploadedFile] = [:]

    /// - Throws: ``BotAPIError`` 400 when the body is not what its content type says.
    init(query: String?, contentType: String?, body: Data) throws {
        merge(form: query ?? "")
        let type = (contentType ?? "").split(separator: ";").first.map { $0.trimmingCharacters(in: .whitespaces).lowercased() } ?? ""
        switch type {
        case "application/json" where !body.isEmpty:
            guard case .object(let members)? = JSONValue.parse(body) else { throw BotAPIError.breach("can't parse JSON object") }
            values.merge(members.filter { $0.value != .null }) { _, new in new }
        case "multipart/form-data":
            guard let form = MultipartBody(contentType: contentType ?? "", body: body) else { throw BotAPIError.breach("can't parse multipart form data") }
            for part in form.parts {
                if let fileName = part.fileName {
                    files[part.name] = UploadedFile(name: fileName, bytes: part.bytes)
                } else {
                    values[part.name] = .string(String(decoding: part.bytes, as: UTF8.self))
                }
            }
        default:
            merge(form: String(decoding: body, as: UTF8.self))
        }
    }

    private mutating func merge(form: String) {
        for pair in form.split(separator: "&") {
            let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let decoded = sides.map { $0.replacing("+", with: " ").removingPercentEncoding ?? String($0) }
            if let name = decoded.first, !name.isEmpty { values[name] = .string(decoded.count > 1 ? decoded[1] : "") }
        }
    }

    func text(_ name: String) -> String? { values[name]?.text }
    func integer(_ name: String) -> Int64? { values[name]?.integer }
    func flag(_ name: String) -> Bool { values[name]?.boolean ?? false }

    /// An object or array, given as such or as JSON text. `nil` when the parameter is absent.
    /// - Throws: 400 when it is there and no JSON.
    func structure(_ name: String) throws -> JSONValue? {
        guard let value = values[name] else { return nil }
        guard case .string(let text) = value else { return value }
        if text.isEmpty { return nil }
        guard let parsed = JSONValue.parse(text) else {
            throw BotAPIError.breach(name == "reply_markup" ? "can't parse reply keyboard markup JSON object" : "can't parse \(name) JSON object")
        }
        return parsed
    }

    /// Puts a file in the place of a parameter that named it by address.
    mutating func attach(_ file: UploadedFile, as name: String) {
        files[name] = file
    }

    /// What the log of calls shows: the values, and the size of each file.
    var json: JSONValue {
        var shown = values
        for (name, file) in files { shown[name] = ["file": .string(file.name), "bytes": .int(Int64(file.bytes.count))] }
        return .object(shown)
    }
}
