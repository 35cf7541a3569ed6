import DynamicJSON

extension Signature {
    /// Runs one after the other, as Celery's `|` (celery-wire 8.7).
    ///
    /// Tasks and chains make a flat chain; `group | x` and `chord | x` make chords, because somebody has to wait for the group; an empty
    /// group is nothing, and a group of one is its member.
    ///
    /// ```swift
    /// let canvas = Signature("shop.fetch", args: [7]) | .group([Signature("shop.price"), Signature("shop.image")]) | Signature("shop.store")
    /// ```
    ///
    /// What is no proper signature is put into a plain chain as it is; sending it says what is wrong.
    public static func | (left: Signature, right: Signature) -> Signature {
        guard let first = try? CanvasNode(left), let second = try? CanvasNode(right) else { return rawChain([left, right]) }
        return first.followed(by: second).whole
    }
}

extension CanvasNode {
    /// A chain of these steps.
    static func chain(_ steps: [CanvasNode], options: SignatureOptions = [:]) -> CanvasNode {
        CanvasNode(.chain, Signature("celery.chain", options: options, subtaskType: "chain"), members: steps)
    }

    /// This one and then the other; both may be taken over into the answer.
    func followed(by other: CanvasNode) -> CanvasNode {
        if other.isEmptyGroup { return self }
        switch form {
        case .chain: return chainFollowed(by: other)
        case .group: return .chord(header: self, body: other)
        case .chord: return chordFollowed(by: other) ?? stepFollowed(by: other)
        case .task: return stepFollowed(by: other)
        }
    }

    private func stepFollowed(by other: CanvasNode) -> CanvasNode {
        switch other.form {
        case .chain: .chain([self] + other.unchained())
        case .group: .chain([self, other.singleMember ?? other])
        case .task, .chord: .chain([self, other])
        }
    }

    /// What follows a chord follows its body; groups and chains stay steps of their own, `nil`.
    private func chordFollowed(by other: CanvasNode) -> CanvasNode? {
        let step: CanvasNode
        switch other.form {
        case .task, .chord: step = other
        case .group:
            guard let member = other.singleMember else { return nil }
            step = member
        case .chain: return nil
        }
        body = body?.followed(by: step)
        return self
    }

    private func chainFollowed(by other: CanvasNode) -> CanvasNode {
        switch other.form {
        case .chain: return other.unchained().reduce(self) { $0.followed(by: $1) }
        case .group:
            if let member = other.singleMember { return followed(by: member) }
            let steps = unchained()
            guard let last = steps.last else { return other }
            guard last.form == .chord else { return .chain(steps + [other]) }
            last.body = last.body?.followed(by: other)
            return .chain(steps)
        case .task, .chord: return chainFollowed(byStep: other)
        }
    }

    private func chainFollowed(byStep step: CanvasNode) -> CanvasNode {
        guard let last = members.last else { return .chain([step]) }
        if last.form == .group {
            let chord = CanvasNode.chord(header: last, body: step)
            members[members.count - 1] = chord
            // Two chords in a row: the second is what follows the first one's body.
            if members.count > 1, members[members.count - 2].form == .chord {
                let before = members[members.count - 2]
                before.body = before.body?.followed(by: chord)
                members.removeLast()
            }
            return self
        }
        if last.form == .chord, step.form != .chord {
            last.body = last.body?.followed(by: step)
            return self
        }
        return .chain(unchained() + [step])
    }

    /// The member of a group of one.
    private var singleMember: CanvasNode? { form == .group && members.count == 1 ? members[0] : nil }
}
