/// One call of a producer: how jobs are handed over.
enum Call {
    /// One job, now.
    case single
    /// One job that is enqueued once, however often that is tried.
    case once
    /// Many in one round trip.
    case bulk(Int)
    /// One job, this many milliseconds from now.
    case later(Int64)
    /// One job that asks so often to be run again.
    case retry(Int64)
    /// A chain of so many steps.
    case chain(Int)
    /// One job under the limit of one of the shops: two of a shop at a time.
    case limited(shop: Int)
    /// One job of which no other of its lock may be enqueued until it has ended.
    case unique(lock: Int)
    /// So many parts and a body; the first part is a chain of two if `nested`.
    case chord(Int, nested: Bool)

    /// How many jobs it makes, without a chord's body.
    var size: Int {
        switch self {
        case .single, .once, .later, .retry, .limited, .unique: 1
        case .bulk(let count), .chain(let count): count
        case .chord(let parts, let nested): parts + (nested ? 1 : 0)
        }
    }

    /// Whether there is a body beside them.
    var hasBody: Bool { if case .chord = self { true } else { false } }
}

/// What a producer sends, drawn from a seed.
struct CallPlan: Sendable {
    private var chance: Chance

    init(seed: UInt64) { chance = Chance(state: seed) }

    /// The next call.
    mutating func next() -> Call {
        switch chance.below(100) {
        case 0..<20: .single
        case 20..<25: .limited(shop: chance.below(4))
        case 25..<30: .unique(lock: chance.below(8))
        case 30..<40: .once
        case 40..<55: .bulk(2 + chance.below(30))
        case 55..<70: .later(Int64(20 + chance.below(3000)))
        case 70..<80: .retry(Int64(1 + chance.below(2)))
        case 80..<88: .chain(2 + chance.below(3))
        default: .chord(2 + chance.below(6), nested: chance.below(4) == 0)
        }
    }

    /// How long a job takes, in milliseconds.
    mutating func duration(_ longest: Int64) -> Int64 {
        let scale = chance.below(20) == 0 ? longest * 100 : longest
        return scale > 0 ? Int64(chance.below(Int(scale))) : 0
    }
}

/// SplitMix64: the same numbers on every machine.
private struct Chance {
    var state: UInt64

    mutating func below(_ bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((mixed ^ (mixed >> 31)) >> 1) % bound
    }
}
