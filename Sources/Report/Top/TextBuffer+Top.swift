import Events
import PortModel

extension TextBuffer {
    /// `0:01:23`
    mutating func appendInterpolation(clock nanoseconds: UInt64) {
        let seconds = Int(nanoseconds / 1_000_000_000)
        self += "\(seconds / 3600):\(seconds / 60 % 60, width: 2):\(seconds % 60, width: 2)"
    }

    /// `99.9%`, in six columns: rounded down, so that only what is full says 100.
    mutating func appendInterpolation(compactShare share: Double) {
        let permille = share.isFinite ? min(9999, Int(share * 1000)) : 1000
        self += "\(permille / 10).\(permille % 10)%"
    }

    /// `28,232`, `1,234k`: in seven columns, as exact as they allow.
    mutating func appendInterpolation(compact number: Int) {
        switch number {
        case ..<1_000_000: self += "\(grouped: number)"
        case ..<1_000_000_000: self += "\(grouped: number / 1000)k"
        default: self += "\(grouped: min(number / 1_000_000, 999_999))M"
        }
    }

    /// `10.0.0.1 → 10.0.0.9:80`, or `bind 10.0.0.1`; the end matters most.
    mutating func appendInterpolation(
        _ scope: PortScope, _ glyphs: TopGlyphs, _ context: RenderContext
    ) {
        let netns = scope.netns
        if netns != context.ownNamespace { self += "\(nameOf: netns, context): " }
        switch scope {
        case .tuple(let tuple):
            self += "\(tuple.local, port: 0)\(glyphs.arrow)"
            self += "\(tuple.remote, port: tuple.remotePort)"
        case .bindPool(let key): self += "bind \(key.local, port: 0)"
        }
    }

    /// A rate; nothing at all is 0 and not 0.0.
    mutating func appendInterpolation(pace: Double) { self += pace > 0 ? "\(rate: pace)" : "0" }
}
