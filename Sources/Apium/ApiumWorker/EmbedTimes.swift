import ApiumCore
import DynamicJSON

extension TaskArguments.Embed {
    /// Whether a signature in it may say when it runs or expires: only then the broker's time is asked for before it is sent.
    var namesTimes: Bool {
        [callbacks, errbacks, chain].contains { ($0 ?? []).contains(where: \.namesTimes) } || chord?.namesTimes ?? false
    }
}

extension JSONValue {
    /// Whether an object in it has a member that a signature uses for times; an argument of such a name costs a question and no more.
    var namesTimes: Bool {
        switch self {
        case .object(let members):
            members.contains { ["countdown", "eta", "expires"].contains($0.key) && !$0.value.isNull } || members.values.contains(where: \.namesTimes)
        case .array(let elements): elements.contains(where: \.namesTimes)
        default: false
        }
    }
}
