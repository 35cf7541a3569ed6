import ApiumCore
import DynamicJSON

/// The parameters of a Python function: what a call of it may look like.
struct Parameters: Sendable, ExpressibleByArrayLiteral {
    /// Those that positional arguments fill, in order.
    var positional: [Parameter]
    /// Whether further positional arguments are taken (`*args`).
    var takesRest = false
    /// Those that only keyword arguments fill.
    var keywordOnly: [Parameter] = []
    /// Whether further keyword arguments are taken (`**kwargs`).
    var takesKeywords = false

    init(_ positional: [Parameter] = [], rest: Bool = false, keywordOnly: [Parameter] = [], keywords: Bool = false) {
        self.positional = positional
        takesRest = rest
        self.keywordOnly = keywordOnly
        takesKeywords = keywords
    }

    init(arrayLiteral elements: Parameter...) { self.init(elements) }

    /// Any positional arguments.
    static let rest = Parameters(rest: true)

    /// Binds arguments to the parameters, as Python's call does.
    ///
    /// - Throws: ``ApiumError`` `badArguments`, which is stored as a `TypeError`.
    func bind(_ arguments: TaskArguments, to function: String) throws -> BoundArguments {
        var bound = BoundArguments()
        guard takesRest || arguments.args.count <= positional.count else {
            throw ApiumError(.badArguments, "\(function)() takes \(positional.count) positional arguments but \(arguments.args.count) were given")
        }
        for (parameter, value) in zip(positional, arguments.args) { bound.values[parameter.name] = value }
        bound.rest = Array(arguments.args.dropFirst(positional.count))
        let names = Set((positional + keywordOnly).map(\.name))
        for (name, value) in arguments.kwargs.sorted(by: { $0.key < $1.key }) {
            guard names.contains(name) || takesKeywords else {
                throw ApiumError(.badArguments, "\(function)() got an unexpected keyword argument '\(name)'")
            }
            guard bound.values.updateValue(value, forKey: name) == nil else {
                throw ApiumError(.badArguments, "\(function)() got multiple values for argument '\(name)'")
            }
        }
        for parameter in positional + keywordOnly where bound.values[parameter.name] == nil {
            guard let value = parameter.value else { throw ApiumError(.badArguments, "\(function)() missing a required argument: '\(parameter.name)'") }
            bound.values[parameter.name] = value
        }
        return bound
    }
}

/// One parameter: its name, and its default when it has one.
struct Parameter: Sendable, ExpressibleByStringLiteral {
    var name: String
    var value: JSONValue?

    /// A parameter without a default.
    init(stringLiteral name: String) { self.name = name }

    /// A parameter with a default.
    static func optional(_ name: String, _ value: JSONValue = .null) -> Parameter {
        var parameter = Parameter(stringLiteral: name)
        parameter.value = value
        return parameter
    }
}

/// Arguments by the names of the parameters they fill.
struct BoundArguments: Sendable {
    var values: [String: JSONValue] = [:]
    /// What `*args` got.
    var rest: [JSONValue] = []

    /// The value of a parameter.
    subscript(name: String) -> JSONValue { values[name] ?? .null }
}
