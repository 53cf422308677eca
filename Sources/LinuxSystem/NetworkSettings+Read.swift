import Glibc
import PortModel

extension NetworkSettings {
    /// Reads the settings of the network namespace that this thread is in. It needs no rights.
    package static func read() throws(SystemError) -> NetworkSettings {
        let range = try Setting.read("ip_local_port_range") { PortRange(setting: $0) }
        let reserved = try Setting.read("ip_local_reserved_ports") { PortSet(list: $0) }
        let delay = try Setting.numberIfAny("tcp_tw_reuse_delay")
        let timeWait = TimeWaitRules(
            reuse: UInt8(clamping: try Setting.number("tcp_tw_reuse")),
            // Older kernels wait for more than a second, in a clock of seconds.
            reuseDelay: delay ?? 1000, countsSeconds: delay == nil,
            timestamps: try Setting.number("tcp_timestamps") != 0,
            limit: try Setting.number("tcp_max_tw_buckets"))
        return NetworkSettings(
            namespace: Namespace(
                inode: NetworkNamespaces.link("/proc/thread-self/ns/net") ?? 0,
                pool: PortPool(range: range, reserved: reserved), timeWait: timeWait),
            finTimeout: try Setting.number("tcp_fin_timeout"),
            recycles: try Setting.numberIfAny("tcp_tw_recycle").map { $0 != 0 },
            hasReuseDelay: delay != nil)
    }
}

extension PortRange {
    /// Reads `32768\t60999`.
    init?(setting text: String) {
        let ends = text.split(whereSeparator: \.isWhitespace).map { UInt16($0) }
        guard ends.count == 2, let low = ends[0], let high = ends[1], low <= high else {
            return nil
        }
        self.init(low: low, high: high)
    }
}

/// Files of /proc/sys/net/ipv4, which show the network namespace of the thread that opens them.
private enum Setting {
    /// Bytes of a setting, which is read in one go: the rest would be missing, and nothing says so. A
    /// list of all odd ports takes 192 KiB.
    static let limit = 512 * 1024

    /// - Parameter parse: gives nil for what no such setting is.
    static func read<Value>(
        _ name: String, _ parse: (String) -> Value?
    ) throws(SystemError) -> Value {
        let action = "read /proc/sys/net/ipv4/\(name)"
        let file = try FileDescriptor(
            opening: "/proc/sys/net/ipv4/\(name)", to: "read",
            remedy: errno == ENOENT ? "mount /proc" : "mount /proc, and make it readable")
        var bytes = [UInt8](repeating: 0, count: limit)
        let count = try check(action, remedy: "please report this") { file.read(into: &bytes) }
        let line = bytes[..<count].prefix { $0 != UInt8(ascii: "\n") }
        guard count < limit, let value = parse(String(decoding: line, as: UTF8.self)) else {
            throw SystemError(action, errno: EBADMSG, remedy: "please report this")
        }
        return value
    }

    static func number(_ name: String) throws(SystemError) -> UInt32 {
        try read(name) { UInt32($0) }
    }

    /// - Returns: nil if the kernel has no such setting.
    static func numberIfAny(_ name: String) throws(SystemError) -> UInt32? {
        do throws(SystemError) {
            return try number(name)
        } catch {
            guard error.errno == ENOENT else { throw error }
            return nil
        }
    }
}
