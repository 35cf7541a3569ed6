import ApiumCore
import DynamicJSON

/// A workflow made by chance, and what it should come to.
indirect enum RandomCanvas {
    /// A call that answers its number and what it was given.
    case leaf(Int64, immutable: Bool)
    case chain([RandomCanvas])
    /// Of two members at least: in a chain a group of one stands for its member.
    case group([RandomCanvas])
    case chord([RandomCanvas], body: RandomCanvas)

    /// The task of the leaves.
    static let task = "leaf"

    /// The value of a leaf: small, and another one for other arguments in another order.
    static func value(of number: Int64, given args: [JSONValue]) -> JSONValue {
        .int(args.reduce(number) { ($0 &* 31 &+ digest($1)) % 1_000_003 })
    }

    private static func digest(_ value: JSONValue) -> Int64 {
        guard let list = value.arrayValue else { return value.intValue ?? -1 }
        return list.reduce(17) { ($0 &* 37 &+ digest($1)) % 1_000_003 }
    }

    /// The reference: what the canvas answers when it is given a value, or none.
    func value(given input: JSONValue?) -> JSONValue {
        switch self {
        case .leaf(let number, let immutable): Self.value(of: number, given: immutable ? [] : input.map { [$0] } ?? [])
        case .chain(let steps): steps.reduce(input) { $1.value(given: $0) } ?? .null
        case .group(let members): .array(members.map { $0.value(given: input) })
        case .chord(let header, let body): body.value(given: .array(header.map { $0.value(given: input) }))
        }
    }

    /// The canvas as it is sent.
    var signature: Signature {
        switch self {
        case .leaf(let number, let immutable): Signature(Self.task, kwargs: ["number": .int(number)], immutable: immutable)
        case .chain(let steps): .chain(steps.map(\.signature))
        case .group(let members): .group(members.map(\.signature))
        case .chord(let header, let body): .chord(header: header.map(\.signature), body: body.signature)
        }
    }

    /// The numbers of its calls.
    var numbers: [Int64] {
        switch self {
        case .leaf(let number, _): [number]
        case .chain(let members), .group(let members): members.flatMap(\.numbers)
        case .chord(let header, let body): header.flatMap(\.numbers) + body.numbers
        }
    }
}

extension RandomCanvas: CustomStringConvertible {
    var description: String {
        switch self {
        case .leaf(let number, let immutable): "\(number)\(immutable ? "!" : "")"
        case .chain(let steps): "(\(steps.map(\.description).joined(separator: " | ")))"
        case .group(let members): "[\(members.map(\.description).joined(separator: ", "))]"
        case .chord(let header, let body): "chord(\(header.map(\.description).joined(separator: ", ")) → \(body))"
        }
    }
}

/// Makes canvases out of a seed.
struct CanvasMaker {
    private var state: UInt64
    private var leaves: Int64 = 0

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1 }

    /// A canvas of so many levels at most.
    mutating func canvas(depth: Int, mayBeGroup: Bool = true) -> RandomCanvas {
        guard depth > 0 else { return leaf() }
        switch below(mayBeGroup ? 7 : 5) {
        case 0: return leaf()
        case 1, 2: return .chain(many(2...3) { $0.canvas(depth: depth - 1) })
        case 3, 4:
            let header = many(1...3) { $0.canvas(depth: depth - 1, mayBeGroup: false) }
            return .chord(header, body: canvas(depth: depth - 1))
        default: return .group(many(2...3) { $0.canvas(depth: depth - 1, mayBeGroup: false) })
        }
    }

    private mutating func leaf() -> RandomCanvas {
        leaves += 1
        return .leaf(leaves, immutable: below(5) == 0)
    }

    private mutating func many(_ range: ClosedRange<Int>, _ make: (inout CanvasMaker) -> RandomCanvas) -> [RandomCanvas] {
        (0..<range.lowerBound + below(range.count)).map { _ in make(&self) }
    }

    /// SplitMix64's next number, brought below a bound.
    private mutating func below(_ bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((mixed ^ (mixed >> 31)) % UInt64(bound))
    }
}
