import PortModel

extension Advice {
    /// The command or the call that does it, where there is one.
    package var setting: String? {
        switch kind {
        case .timeWaitReuse(let rules, let loopback, _, _, _):
            let timestamps = rules.timestamps ? "" : " net.ipv4.tcp_timestamps=1"
            // 2, the default, is enough where it is loopback.
            let reuse =
                rules.reuse == 1 || rules.reuse == 2 && loopback
                ? "" : " net.ipv4.tcp_tw_reuse=\(loopback ? 2 : 1)"
            return "sysctl -w\(timestamps)\(reuse)"
        case .widenRange(_, let range, _, _):
            return "sysctl -w net.ipv4.ip_local_port_range=\"\(range.low) \(range.high)\""
        case .addAddresses, .bindNoPort, .collision:
            return "setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one)"
        case .socketRange:
            return "setsockopt(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &zero, sizeof zero)"
        case .noAddress:
            guard case .tuple(let tuple) = scope else { return nil }
            var command: TextBuffer = "ip route get "
            command.append(tuple.remote)
            return String(command)
        case .reuseConnections, .letPeerClose, .closeIdle, .freeRange, .noMemory: return nil
        }
    }

    package var netns: UInt32 { scope.netns }
}
