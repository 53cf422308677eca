/// First in, first out; what has gone is let go of in bulk.
struct Queue<Element: Sendable>: Sendable {
    private var elements: ContiguousArray<Element> = []
    private var head = 0

    var first: Element? { head < elements.count ? elements[head] : nil }

    mutating func append(_ element: Element) { elements.append(element) }

    mutating func removeFirst() {
        head += 1
        if head == elements.count {
            elements.removeAll(keepingCapacity: true)
            head = 0
        } else if head > 4096, head > elements.count / 2 {
            elements.removeSubrange(..<head)
            head = 0
        }
    }
}
