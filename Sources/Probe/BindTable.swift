import BPF
import CPortgauge
import LinuxSystem
import PortModel

/// The ports that a bind() holds, as two programs read them from the kernel's own table when asked to.
struct BindTable: ~Copyable {
    private let section: SharedSection<pg_bind_table>

    init(of object: borrowing BPFObject) throws(SystemError) {
        section = try SharedSection(.bindTable, of: object)
    }

    /// Reads the ports of the range of the network namespace that this thread is in.
    ///
    /// - Returns: nil when the kernel does not let us look.
    func read(by object: borrowing BPFObject) -> PortSet? {
        guard object.run(.readNamespace) == 0 else { return nil }
        let bits = section[\.range]
        let range = PortRange(
            low: UInt16(truncatingIfNeeded: bits), high: UInt16(truncatingIfNeeded: bits >> 16))
        var ports = PortSet()
        for word in Int(range.low) / 64...Int(max(range.low, range.high)) / 64 {
            guard object.run(.readBindTable, argument: UInt64(word * 64)) == 0 else { return nil }
            ports.set(word, to: section.load(at: word * 8))
        }
        return ports.limited(to: range)
    }
}
