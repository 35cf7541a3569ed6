import HTTPTypes

/// Finds the operation of a method and a path.
struct OperationTable: Sendable {
    let operations: [Operation]

    enum Match {
        case found(Operation, path: [String: String])
        /// The path is known, the method is not: these are allowed.
        case otherMethods([String])
        case none
    }

    /// A `HEAD` is answered as its `GET`, without the body.
    func match(_ method: HTTPRequest.Method, _ parts: [String]) -> Match {
        var allowed: Set<String> = []
        for operation in operations {
            guard let path = operation.description.path.match(parts) else { continue }
            let own = operation.description.method
            if own == method || own == .get && method == .head { return .found(operation, path: path) }
            allowed.insert(own.rawValue)
            if own == .get { allowed.insert("HEAD") }
        }
        return allowed.isEmpty ? .none : .otherMethods(allowed.sorted())
    }
}
