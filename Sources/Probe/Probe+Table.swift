import CPortgauge
import Glibc
import PortModel

/// The kernel's own table of sockets and ports, beside what the hooks tell.
extension Probe {
    /// Hands over the connections that exist in these network namespaces, among what happens
    /// meanwhile: in two rounds, because a socket that turns into a TIME_WAIT under the walk's hands may be
    /// passed over, and is marked by the first round so that the hooks see its end. In between, who
    /// has them open.
    ///
    /// - Returns: the identities of those that could be entered, by their inode numbers.
    @discardableResult
    package mutating func snapshot(
        of namespaces: [NetworkNamespaces.Found], rounds: Int = 2, _ body: (Record) -> Void
    ) throws(ProbeError) -> [UInt32: UInt32] {
        var walked: [UInt32: UInt32] = [:]
        for round in 0..<rounds {
            for found in namespaces {
                guard let walk = try walk("each_socket", in: found) else { continue }
                try read(walk.descriptor, body)
                if round == 0 { walked[found.inode] = walk.netns }
            }
            if round == 0 { try owners(body) }
        }
        return walked
    }

    /// Hands over who has which socket open, as records.
    package mutating func owners(_ body: (Record) -> Void) throws(ProbeError) {
        guard let walk = try walk("each_file", in: nil) else { return }
        try read(walk.descriptor, body)
    }

    /// Hands over who is in the table of one network namespace, with the namespace's identity, among
    /// the records of what happens meanwhile.
    ///
    /// - Returns: its identity, or nil when it cannot be entered, as it is gone or out of reach.
    package mutating func audit(
        _ found: NetworkNamespaces.Found, _ see: (TableEntry, UInt32) -> Void,
        _ body: (Record) -> Void
    ) throws(ProbeError) -> UInt32? {
        guard let walk = try walk("each_item", in: found) else { return nil }
        let size = MemoryLayout<pg_item>.stride
        var bytes = [UInt8](repeating: 0, count: size * 2048)
        while case let count = try Self.read(walk.descriptor, into: &bytes), count > 0 {
            unsafe bytes.withUnsafeBytes { bytes in
                for offset in stride(from: 0, to: count - size + 1, by: size) {
                    let item = unsafe bytes.loadUnaligned(
                        fromByteOffset: offset, as: pg_item.self)
                    see(TableEntry(item), item.netns)
                }
            }
            ring.decode(&malformed, body)
        }
        return walk.netns
    }

    /// The ports of its range that a bind() holds in one network namespace; and has the namespace
    /// described among the records if its settings have not been told for a second.
    ///
    /// - Returns: nil when it cannot be entered, or the kernel does not let us look.
    package func boundPorts(
        in found: NetworkNamespaces.Found
    ) -> (netns: UInt32, ports: PortSet)? {
        var netns: UInt32?
        var result: Int32 = 0
        var range = PortRange(low: 0, high: 0)
        var words = 0...0
        let visited = home.visit(found) {
            netns = NetworkNamespaces.currentIdentity ?? found.inode
            result = BPFObject.run(object.descriptor(ofProgram: "read_namespace"))
            let bits = bindTable.load(at: MemoryLayout<pg_bind_table>.offset(of: \.range)!)
            range = PortRange(
                low: UInt16(truncatingIfNeeded: bits), high: UInt16(truncatingIfNeeded: bits >> 16))
            words = Int(range.low) / 64...Int(max(range.low, range.high)) / 64
            let table = object.descriptor(ofProgram: "read_bind_table")
            for word in words where result == 0 {
                result = BPFObject.run(table, argument: UInt64(word * 64))
            }
        }
        guard visited, result == 0, let netns else { return nil }
        var ports = PortSet()
        for word in words { ports.set(word, to: bindTable.load(at: word * 8)) }
        return (netns, ports.limited(to: range))
    }

    /// An iterator that has not been read yet, and the identity of the namespace that it walks.
    private struct Walk: ~Copyable {
        let descriptor: FileDescriptor
        let netns: UInt32
    }

    /// Nil when there is no such program here, or the namespace cannot be entered.
    private func walk(
        _ program: String, in found: NetworkNamespaces.Found?
    ) throws(ProbeError) -> Walk? {
        guard let link = links[program] else { return nil }
        var raw: Int32 = -1
        var number: Int32 = 0
        var netns: UInt32?
        func create() {
            // Else a snapshot cannot tell sockets apart; where it fails, those have no identity.
            if program == "each_socket", !kernel.givesCookies { try? SocketCookies.make() }
            raw = bpf_iter_create(link.descriptor)
            number = errno
            netns = NetworkNamespaces.currentIdentity
        }
        if let found {
            guard home.visit(found, create) else { return nil }
        } else {
            create()
        }
        guard raw >= 0 else {
            throw ProbeError("walk sockets", errno: number, remedy: "run as root")
        }
        return Walk(descriptor: FileDescriptor(owning: raw), netns: netns ?? found?.inode ?? 0)
    }

    /// Reads to the end. A byte of output stands for a record, of 104 bytes there: at once no more of
    /// them than a tenth of the ring holds, so that what happens meanwhile has its place, too.
    private mutating func read(
        _ iterator: borrowing FileDescriptor, _ body: (Record) -> Void
    ) throws(ProbeError) {
        var steps = [UInt8](repeating: 0, count: min(4096, capacity / 1024))
        while true {
            let count = try Self.read(iterator, into: &steps)
            ring.decode(&malformed, body)
            if count == 0 { return }
        }
    }

    /// - Returns: how many bytes, 0 at the end.
    private static func read(
        _ iterator: borrowing FileDescriptor, into bytes: inout [UInt8]
    ) throws(ProbeError) -> Int {
        while true {
            let count = unsafe Glibc.read(iterator.raw, &bytes, bytes.count)
            if count < 0, errno == EAGAIN || errno == EINTR { continue }
            try check(Int32(count), "walk sockets", remedy: "please report this")
            return count
        }
    }
}
