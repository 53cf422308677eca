/// A review of a network namespace's settings: figures and what-ifs of what they do to its connections.
package struct SettingsReview: Hashable, Sendable {
    package enum Verdict: String, Hashable, Sendable { case ok, note, hurts }

    package struct Finding: Hashable, Sendable {
        package var verdict: Verdict
        package var topic: Topic
    }

    package enum Topic: Hashable, Sendable {
        /// `ip_local_port_range`, the ports of it that connect() may choose, and what a wider one adds.
        case range(PortRange, usable: Int, wider: Wider?)
        /// Ports of the range that are in `ip_local_reserved_ports`.
        case reserved(Int, of: PortRange)
        /// Listeners whose port is in the range.
        case listeners([Holder])
        /// Sockets, bound and not connected, whose port is in the range.
        case bound([Holder])
        /// Ports of the range that Kubernetes hands out to services, and who says that it is here.
        case nodePorts(Int, ProcessID)
        /// Ports of the range that RFC 6335 does not count among the dynamic ones.
        case notDynamic(Int)
        /// Connections a second that a tuple sustains if this end closes first; `withReuse` of
        /// TIME_WAITs: nil where they are not used again, or at once.
        case rate(perSecond: Double, usable: Int, withReuse: Double?)
        /// `tcp_tw_reuse` is on, and `tcp_timestamps` are off.
        case reuseWithoutTimestamps(reuse: UInt8)
        /// `tcp_tw_reuse` is 0 or 2, and what it leaves out.
        case reuse(UInt8, LeftOut, delay: UInt32, timestamps: Bool)
        /// `tcp_tw_reuse` is 1, with timestamps. The delay is in milliseconds.
        case reuseOn(delay: UInt32)
        /// `tcp_fin_timeout` is less than 60 s.
        case finTimeout(UInt32)
        /// `tcp_max_tw_buckets`; how many TIME_WAITs there are, nil if that is not known.
        case maxTimeWaits(UInt32, range: Int, now: Int?)
        /// `tcp_tw_recycle` is on.
        case recycle
    }

    /// Another range, and what it would add to the usable ports.
    package struct Wider: Hashable, Sendable {
        package var range: PortRange
        package var gain: Int
        /// The gain in percent of the ports usable now; nil if there are none.
        package var percent: Int?
    }

    /// A process that holds a port for all destinations.
    package struct Holder: Hashable, Sendable {
        package var address: IPAddress
        package var port: UInt16
        /// `.unknown` if it may not be seen.
        package var process: ProcessID
    }

    /// Connections of this end whose TIME_WAIT is not used again.
    package struct LeftOut: Hashable, Sendable {
        package var timeWaits = 0
        package var connections = 0
        /// The tuple with the most of these TIME_WAITs, and how many of all it has.
        package var fullest: Tuple?
        package var fullestCount = 0
    }

    /// The sockets and processes of the namespace.
    package struct Inventory: Sendable {
        /// All TCP sockets; nil if they could not be listed.
        package var sockets: [KernelSocket]?
        /// The process of a socket, by its inode number.
        package var owners: [UInt32: ProcessID]
        /// One of Kubernetes, if it is here.
        package var kubernetes: ProcessID?

        package init(
            sockets: [KernelSocket]?, owners: [UInt32: ProcessID] = [:],
            kubernetes: ProcessID? = nil
        ) {
            (self.sockets, self.owners, self.kubernetes) = (sockets, owners, kubernetes)
        }
    }

    package let findings: [Finding]
    /// The `ip_local_reserved_ports` that keep the ports of servers and NodePorts; nil if they are set.
    package let reservation: PortSet?

    package var hurts: Bool { findings.contains { $0.verdict == .hurts } }

    package init(_ settings: NetworkSettings, _ inventory: Inventory) {
        let reviewer = SettingsReviewer(settings, inventory)
        findings = reviewer.findings
        reservation = reviewer.reservation
    }

    /// 32768-60999, the kernel's default.
    package static let defaultRange = PortRange(low: 32768, high: 60999)
    /// A range that is safe to widen to: below lie most of the services.
    package static let wideRange = PortRange(low: 10000, high: 65535)
    /// RFC 6335, section 6.
    package static let dynamicRange = PortRange(low: 49152, high: 65535)
    /// The default of `--service-node-port-range`.
    package static let nodePortRange = PortRange(low: 30000, high: 32767)
    /// Processes that run wherever Kubernetes hands out NodePorts.
    package static let kubernetes = Set(
        ["kube-proxy", "kubelet", "kubelite", "k3s-server", "k3s-agent"].map { ProcessID.Name($0) })
}
