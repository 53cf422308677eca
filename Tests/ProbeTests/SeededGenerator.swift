import Foundation

/// SplitMix64: the same numbers in each run.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// True once in `times`.
    mutating func chance(_ times: Int) -> Bool { Int.random(in: 0..<times, using: &self) == 0 }

    /// Some that are the same in each run, and a new one; or only that of PORTGAUGE_SEED, to see
    /// again what a test has printed.
    static let seeds: [UInt64] = {
        if let seed = ProcessInfo.processInfo.environment["PORTGAUGE_SEED"].flatMap(UInt64.init) {
            return [seed]
        }
        return Array(1...8) + [UInt64.random(in: 100 ... .max)]
    }()
}
