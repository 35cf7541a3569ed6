/// A result while a plan is made: its parent may become known later. See ``CanvasNode`` for why this is a reference type.
final class ResultNode {
    let id: String
    /// The members of a group.
    let members: [ResultNode]?
    var parent: ResultNode?

    init(_ id: String, members: [ResultNode]? = nil) {
        self.id = id
        self.members = members
    }

    /// The result that comes first: the one without a parent.
    var first: ResultNode {
        var node = self
        while let parent = node.parent { node = parent }
        return node
    }

    /// The tuple: a value.
    var tuple: ResultTuple {
        var line = [self]
        while let parent = line[line.count - 1].parent { line.append(parent) }
        var result: ResultTuple?
        for node in line.reversed() { result = ResultTuple(id: node.id, parent: result, members: node.members?.map(\.tuple)) }
        return result ?? ResultTuple(id: id)
    }
}
