import Glibc

/// SplitMix64: the same numbers in each run.
package struct SeededGenerator: RandomNumberGenerator {
    package var state: UInt64

    package init(state: UInt64) { self.state = state }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// True once in `times`.
    package mutating func chance(_ times: Int) -> Bool {
        Int.random(in: 0..<times, using: &self) == 0
    }

    /// What PORTGAUGE_SEED asks for, to see again what a test has printed.
    package static let wished = getenv("PORTGAUGE_SEED").flatMap { UInt64(String(cString: $0)) }

    /// `count` that are the same in each run, and a new one; or only the one that is wished for.
    package static func seeds(_ count: UInt64) -> [UInt64] {
        wished.map { [$0] } ?? Array(1...count) + [UInt64.random(in: 100 ... .max)]
    }
}
