import ApiumCore
import DynamicJSON

/// The bodies of the chords that the end of one job can complete: its own, and those of what can't run any more after it.
///
/// They are found in the message alone, so that a join that is taken up after a crash finds them as well.
struct ChordBodies: Sendable {
    private var bodies: [String: Signature] = [:]

    /// Finds them in what follows a job of this group.
    init(group: String?, embed: TaskArguments.Embed) {
        if let group, let chord = embed.chord { add(chord, group: group) }
        for step in embed.chain ?? [] { add(step: step) }
    }

    /// The body of a chord by the group of its header.
    subscript(group: String) -> Signature? { bodies[group] }

    private mutating func add(_ json: JSONValue, group: String) {
        guard bodies[group] == nil, let body = try? Signature(json: json) else { return }
        bodies[group] = body
        add(outer: body)
    }

    /// A body that fails can complete the chord it is a part of, and fail the steps after it.
    private mutating func add(outer signature: Signature) {
        if let chord = signature.options["chord"], !chord.isNull, let group = signature.options["group_id"]?.stringValue { add(chord, group: group) }
        for step in signature.options["chain"]?.arrayValue ?? [] { add(step: step) }
        if signature.subtaskType == "group" || signature.subtaskType == "chain" {
            for member in signature.kwargs["tasks"]?.arrayValue ?? [] { add(step: member) }
        }
    }

    private mutating func add(step json: JSONValue) {
        guard let step = try? Signature(json: json) else { return }
        add(outer: step)
        if step.subtaskType == "chord", let body = step.kwargs["body"] { add(step: body) }
    }
}
