/// A queue: taking from the front moves an index, and the space is given back once half of it is empty.
struct FIFO<Element> {
    private var elements: [Element?] = []
    private var head = 0

    var count: Int { elements.count - head }
    var isEmpty: Bool { count == 0 }
    var first: Element? { head < elements.count ? elements[head] : nil }
    /// The elements from front to back.
    var all: [Element] { elements[head...].compactMap { $0 } }

    mutating func append(_ element: Element) { elements.append(element) }

    mutating func popFirst() -> Element? {
        guard head < elements.count else { return nil }
        let element = elements[head]
        elements[head] = nil
        head += 1
        if head > 64, head * 2 > elements.count {
            elements.removeFirst(head)
            head = 0
        }
        return element
    }

    mutating func removeAll(where predicate: (Element) -> Bool) {
        elements = all.filter { !predicate($0) }
        head = 0
    }

    /// Applies the change to the front element, if there is one.
    mutating func updateFirst(_ change: (inout Element) -> Void) {
        guard head < elements.count, var element = elements[head] else { return }
        elements[head] = nil
        change(&element)
        elements[head] = element
    }
}
