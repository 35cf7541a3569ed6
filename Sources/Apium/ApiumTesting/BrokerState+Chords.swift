import ApiumCore
import DynamicJSON

extension BrokerState {
    mutating func open(_ setups: [ChordSetup]) {
        for setup in setups {
            chords[setup.group, default: ChordState()].open(size: setup.size)
            if let saved = setup.savedGroup { groups[setup.group] = saved }
        }
    }

    mutating func expectMore(_ count: Int, partsOf group: String) { chords[group, default: ChordState()].expect(count) }

    /// Brings parts; answers the claims that the caller holds with them.
    mutating func bring(_ parts: [ChordPart], at now: Timestamp) -> [ChordClaim] {
        parts.compactMap { part in
            guard chords[part.group, default: ChordState()].bring(part, at: now) else { return nil }
            return ChordClaim(group: part.group, token: part.token)
        }
    }

    func holds(_ claim: ChordClaim, at now: Timestamp) -> Bool { chords[claim.group]?.holds(claim.token, at: now) ?? false }

    mutating func resume(_ claim: ChordClaim, at now: Timestamp) -> Bool {
        guard holds(claim, at: now) else { return false }
        chords[claim.group]?.hold(claim.token, at: now)
        return true
    }

    mutating func close(_ claim: ChordClaim, at now: Timestamp) -> Bool {
        guard holds(claim, at: now) else { return false }
        chords[claim.group]?.close(at: now)
        return true
    }

    mutating func abandon(_ group: String) { chords[group]?.abandon() }

    func content(of group: String) -> ChordContent { ChordContent(parts: chords[group]?.content ?? [], savedGroup: groups[group]) }
}
