import BPF
import CPortgauge
import LinuxSystem
import PortModel

/// The kernel's own table of sockets and ports, beside what the hooks report.
extension Probe {
    /// Hands over the connections that exist in these network namespaces, among what happens
    /// meanwhile.
    ///
    /// - Parameter rounds: 2 where hooks are attached, because a socket that turns into a TIME_WAIT under
    ///   the iterator's hands may be passed over, and is marked by the first round so that they see its
    ///   end. In between, who has them open.
    /// - Returns: the identities of those that could be entered, by their inode numbers.
    @discardableResult
    package mutating func snapshot(
        of namespaces: [NetworkNamespaces.Found], rounds: Int = 2, _ body: (Record) -> Void
    ) throws(SystemError) -> [UInt32: UInt32] {
        var walked: [UInt32: UInt32] = [:]
        for round in 0..<rounds {
            for found in namespaces {
                guard let pass = try iterate(.eachSocket, in: found) else { continue }
                try read(pass.iterator, body)
                if round == 0 { walked[found.inode] = pass.netns }
            }
            if round == 0 { try owners(body) }
        }
        return walked
    }

    /// Hands over the processes that have each socket open, as records.
    package mutating func owners(_ body: (Record) -> Void) throws(SystemError) {
        guard let link = links[.eachFile] else { return }
        try read(BPFIterator(link), body)
    }

    /// Hands over the entries of the table of one network namespace, with the namespace's identity, among
    /// the records of what happens meanwhile.
    ///
    /// - Returns: its identity, or nil when it cannot be entered, as it is gone or out of reach.
    package mutating func audit(
        _ found: NetworkNamespaces.Found, _ see: (TableEntry, UInt32) -> Void,
        _ body: (Record) -> Void
    ) throws(SystemError) -> UInt32? {
        guard let pass = try iterate(.eachItem, in: found) else { return nil }
        let size = MemoryLayout<pg_item>.stride
        var bytes = [UInt8](repeating: 0, count: size * 2048)
        while case let count = try pass.iterator.read(into: &bytes), count > 0 {
            // SAFETY: the program writes whole items of plain integers, and no more are read than came.
            unsafe bytes.withUnsafeBytes { bytes in
                for offset in stride(from: 0, to: count - size + 1, by: size) {
                    let item = unsafe bytes.loadUnaligned(
                        fromByteOffset: offset, as: pg_item.self)
                    see(TableEntry(item), item.netns)
                }
            }
            drain(body)
        }
        return pass.netns
    }

    /// Reads the ports of its range that a bind() holds in one network namespace; and has the namespace
    /// described among the records if its settings have not been reported for a second.
    ///
    /// - Returns: nil when it cannot be entered, or the kernel does not let us look.
    package func boundPorts(
        in found: NetworkNamespaces.Found
    ) -> (netns: UInt32, ports: PortSet)? {
        let visit = home.visit(found) {
            (NetworkNamespaces.currentIdentity ?? found.inode, boundPortsHere())
        }
        guard let (netns, ports) = visit, let ports else { return nil }
        return (netns, ports)
    }

    /// Has two programs read, from the kernel's own table, the ports of the range of the network namespace
    /// that this thread is in.
    ///
    /// - Returns: nil when the kernel does not let us look.
    private func boundPortsHere() -> PortSet? {
        guard object.run(.readNamespace) == 0 else { return nil }
        let bits = bindTable[\.range]
        let range = PortRange(
            low: UInt16(truncatingIfNeeded: bits), high: UInt16(truncatingIfNeeded: bits >> 16))
        var ports = PortSet()
        for word in Int(range.low) / 64...Int(max(range.low, range.high)) / 64 {
            guard object.run(.readBindTable, argument: UInt64(word * 64)) == 0 else { return nil }
            ports.set(word, to: bindTable.load(at: word * 8))
        }
        return ports.limited(to: range)
    }

    /// Tells whether bind() would take an address in one network namespace, whatever the port.
    ///
    /// - Returns: nil when it cannot be entered.
    package func hasAddress(
        _ address: IPAddress, in found: NetworkNamespaces.Found
    ) -> (netns: UInt32, isThere: Bool)? {
        home.visit(found) {
            (NetworkNamespaces.currentIdentity ?? found.inode, address.isLocal)
        }
    }

    /// An iterator that has not been read yet, and the identity of the namespace that it walks.
    private struct Pass: ~Copyable {
        let iterator: BPFIterator
        let netns: UInt32
    }

    /// - Returns: nil when there is no such program here, or the namespace cannot be entered.
    private func iterate(
        _ program: BPFProgram, in found: NetworkNamespaces.Found
    ) throws(SystemError) -> Pass? {
        guard let link = links[program] else { return nil }
        return try home.visit(found) { () throws(SystemError) -> Pass in
            // Else a snapshot cannot tell sockets apart; where it fails, those have no identity.
            if program == .eachSocket, !kernel.givesCookies { try? SocketDump.makeCookies() }
            return Pass(
                iterator: try BPFIterator(link),
                netns: NetworkNamespaces.currentIdentity ?? found.inode)
        }
    }

    /// Reads to the end. A byte of output stands for a record, of 104 bytes there: at once no more of
    /// them than a tenth of the ring holds, so that what happens meanwhile has its place, too.
    private mutating func read(
        _ iterator: borrowing BPFIterator, _ body: (Record) -> Void
    ) throws(SystemError) {
        var steps = [UInt8](repeating: 0, count: min(4096, ringBytes / 1024))
        while true {
            let count = try iterator.read(into: &steps)
            drain(body)
            if count == 0 { return }
        }
    }
}
