extension Array {
    /// Puts in order what comes to lie in `window`: what precedes it lies before it, what follows behind.
    /// A screenful of 10,000 takes a tenth of the time of all. No two elements may be equal.
    mutating func sort(window: Range<Int>, by precedes: (Element, Element) -> Bool) {
        var parts = [indices]
        while let part = parts.popLast() {
            guard part.count > 1, part.overlaps(window) else { continue }
            guard part.count > 32 else {
                self[part].sort(by: precedes)
                continue
            }
            let places = [part.lowerBound, part.lowerBound + part.count / 2, part.upperBound - 1]
            // The median of three.
            let pivot = places.map { self[$0] }.sorted(by: precedes)[1]
            let middle = self[part].partition { !precedes($0, pivot) }
            guard middle > part.lowerBound, middle - part.lowerBound < part.count - part.count / 16,
                part.upperBound - middle < part.count - part.count / 16
            else {
                // No good pivot: never worse than sorting all.
                self[part].sort(by: precedes)
                continue
            }
            parts.append(part.lowerBound..<middle)
            parts.append(middle..<part.upperBound)
        }
    }
}
