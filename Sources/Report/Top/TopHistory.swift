import PortModel

/// The past two minutes of each tuple and bind pool: how full it was, in a byte for each second, so
/// that 10,000 of them take 1.3 MB, and a second costs next to nothing.
struct TopHistory: Sendable {
    /// The rings of all, one after the other.
    private var levels: [UInt8] = []
    /// Whose ring it is: a place that a forgotten tuple has left is taken by another.
    private var owners: [PortScope?] = []
    /// The place of the newest second in each ring.
    private var newest = 0

    static let seconds = 128

    /// A second begins, in which nothing is known to be held.
    mutating func beginSecond() {
        newest = (newest + 1) % Self.seconds
        for start in stride(from: 0, to: levels.count, by: Self.seconds) {
            levels[start + newest] = 0
        }
    }

    /// Notes how full it is in this second; `number` is its own, as small as may be.
    mutating func note(_ usage: PortUsage, of scope: PortScope, number: Int) {
        if number >= owners.count {
            let missing = number + 1 - owners.count
            owners.append(contentsOf: repeatElement(nil, count: missing))
            levels.append(contentsOf: repeatElement(0, count: missing * Self.seconds))
        }
        let start = number * Self.seconds
        if owners[number] != scope {
            owners[number] = scope
            for place in start..<start + Self.seconds { levels[place] = 0 }
        }
        guard usage.used > 0 else { return }
        levels[start + newest] = UInt8(max(1, min(255, usage.share * 255)))
    }

    /// Returns levels from 0, nothing, to 255, nothing left; the oldest first.
    func last(_ count: Int, of scope: PortScope, number: Int) -> [UInt8] {
        guard number < owners.count, owners[number] == scope else { return [] }
        let start = number * Self.seconds
        return (0..<min(count, Self.seconds)).reversed().map { age in
            levels[start + (newest + Self.seconds - age) % Self.seconds]
        }
    }
}
