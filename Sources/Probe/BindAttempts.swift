import BPF
import CPortgauge
import LinuxSystem

/// The bind() calls that have begun and, as far as the hooks know, not come back: by thread.
final class BindAttempts {
    private let counts: SharedSection<pg_attempts>
    /// The map's, which the object owns.
    private let descriptor: Int32
    /// How many had been noted at the last look.
    private var noted: UInt64 = 0

    /// At a time: as many threads as are in a bind(), or have failed in one within 0.1 s.
    static let limit: UInt32 = 4096

    init(of object: borrowing BPFObject) throws(SystemError) {
        descriptor = try object.descriptor(of: .attempts)
        counts = try SharedSection(.attemptCounts, of: object)
    }

    /// How many there are.
    var count: UInt64 {
        let ended = counts[\.ended]
        return counts[\.noted] &- ended
    }

    /// Has those reported that have failed by now.
    ///
    /// - Returns: whether any have begun since the last time, or still are there.
    func check(by object: borrowing BPFObject) -> Bool {
        let now = counts[\.noted]
        defer { noted = now }
        guard count > 0 else { return now != noted }
        for thread in BPFObject.keys(ofMap: descriptor, limit: Self.limit) {
            _ = object.run(.checkAttempt, argument: UInt64(thread))
        }
        return true
    }
}
