import CPortgauge
import PortModel

extension Probe {
    /// The connections of interest; a list that is empty lets everything pass.
    package struct Filter: Sendable {
        package var remotes: [Remote] = []
        package var pids: [UInt32] = []
        package var names: [ProcessID.Name] = []
        /// Only the processes of the command that is run.
        package var isOnlyCommand = false

        package init() {}

        /// Processes are chosen from, and not only peers.
        package var isByProcess: Bool { !pids.isEmpty || !names.isEmpty || isOnlyCommand }

        /// Entries of each list at most.
        package static let limit = Int(PG_FILTERS)

        /// A block of addresses, and a port or (0) any.
        package struct Remote: Sendable, Hashable {
            package var address: IPAddress
            /// Bits of the mapped form: 96…128 for IPv4.
            package var prefixBits: Int
            package var port: UInt16

            package init(address: IPAddress, prefixBits: Int, port: UInt16) {
                (self.address, self.prefixBits, self.port) = (address, prefixBits, port)
            }

            package func contains(_ other: IPAddress, _ otherPort: UInt16) -> Bool {
                (port == 0 || port == otherPort)
                    && (address.high ^ other.high) & mask.high == 0
                    && (address.low ^ other.low) & mask.low == 0
            }

            fileprivate var mask: (high: UInt64, low: UInt64) {
                let bits = UInt64(prefixBits)
                return (
                    bits == 0 ? 0 : UInt64.max << (64 - min(bits, 64)),
                    bits <= 64 ? 0 : UInt64.max << (128 - bits)
                )
            }
        }
    }
}

extension pg_config {
    /// Takes the first `Probe.Filter.limit` of each list.
    init(_ filter: Probe.Filter) {
        self.init()
        only_tree = filter.isOnlyCommand ? 1 : 0
        pid_count = UInt32(filter.pids.count)
        comm_count = UInt32(filter.names.count)
        remote_count = UInt32(filter.remotes.count)
        Self.fill(&pids, with: filter.pids)
        Self.fill(&comms, with: filter.names.flatMap { [$0.head, $0.tail] })
        Self.fill(&remotes, with: filter.remotes.map(pg_remote.init))
    }

    /// - Parameter array: a C array, which is a tuple in Swift.
    private static func fill<Array, Element: BitwiseCopyable>(
        _ array: inout Array, with elements: [Element]
    ) {
        unsafe withUnsafeMutableBytes(of: &array) { target in
            // SAFETY: both are plain integers, and no more is copied than there is room for.
            unsafe elements.withUnsafeBytes {
                unsafe target.copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: $0.prefix(target.count)))
            }
        }
    }
}

extension pg_remote {
    fileprivate init(_ remote: Probe.Filter.Remote) {
        let (high, low) = remote.mask
        self.init(
            address: Self.words(remote.address.high & high, remote.address.low & low),
            mask: Self.words(high, low), port: UInt32(remote.port))
    }

    private static func words(_ high: UInt64, _ low: UInt64) -> (UInt32, UInt32, UInt32, UInt32) {
        (
            UInt32(truncatingIfNeeded: high >> 32).bigEndian,
            UInt32(truncatingIfNeeded: high).bigEndian,
            UInt32(truncatingIfNeeded: low >> 32).bigEndian,
            UInt32(truncatingIfNeeded: low).bigEndian
        )
    }
}
