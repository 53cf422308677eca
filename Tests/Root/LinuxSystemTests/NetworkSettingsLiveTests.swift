import Glibc
import LoadGenerator
import PortModel
import Testing

@testable import LinuxSystem

/// What is read is what was written, in a private network namespace: also on other kernels.
@Suite struct NetworkSettingsLiveTests {
    private static func read(_ settings: [String: String]) throws -> NetworkSettings {
        try PrivateNamespace.run(settings: settings) {
            let read = try NetworkSettings.read()
            #expect(UInt64(read.namespace.inode) == (try PrivateNamespace.currentInode()))
            return read
        }
    }

    @Test func whatIsSet() throws {
        let read = try Self.read([
            "ipv4/ip_local_port_range": "40000 40063",
            "ipv4/ip_local_reserved_ports": "1,40005-40009,65535",
            "ipv4/tcp_tw_reuse": "1", "ipv4/tcp_timestamps": "2", "ipv4/tcp_max_tw_buckets": "77",
            "ipv4/tcp_fin_timeout": "15",
        ])
        #expect(read.namespace.pool.range == PortRange(low: 40000, high: 40063))
        #expect(read.namespace.pool.reserved.list == "1,40005-40009,65535")
        #expect(read.namespace.timeWait.reuse == 1 && read.namespace.timeWait.timestamps)
        #expect(read.namespace.timeWait.limit == 77 && read.finTimeout == 15)
        #expect(read.recycles == nil)
    }

    @Test func timestampsOff() throws {
        let read = try Self.read(["ipv4/tcp_timestamps": "0", "ipv4/tcp_tw_reuse": "0"])
        #expect(!read.namespace.timeWait.timestamps && read.namespace.timeWait.reuse == 0)
    }

    @Test func theDelayOfReuse() throws {
        if KernelVersion(release: Host().kernel) >= KernelVersion(major: 6, minor: 14) {
            let read = try Self.read(["ipv4/tcp_tw_reuse_delay": "250"])
            #expect(read.hasReuseDelay && read.namespace.timeWait.reuseDelay == 250)
        } else {
            let read = try Self.read([:])
            #expect(!read.hasReuseDelay && read.namespace.timeWait.reuseDelay == 1000)
        }
    }

    /// The kernel gives as much of the list as there is room for, and says nothing of the rest.
    @Test func theLongestList() throws {
        let list = stride(from: 1, through: 65535, by: 2).map(String.init).joined(separator: ",")
        try PrivateNamespace.run {
            let file = open("/proc/sys/net/ipv4/ip_local_reserved_ports", O_WRONLY | O_CLOEXEC)
            try #require(file >= 0)
            defer { close(file) }
            // It takes a page at a time.
            var rest = Array(list.utf8)[...]
            while !rest.isEmpty {
                let count = write(file, Array(rest), rest.count)
                try #require(count > 0)
                rest = rest.dropFirst(count)
            }
            #expect(try NetworkSettings.read().namespace.pool.reserved.list == list)
        }
    }

    @Test(arguments: ["", "1", "1 2 3", "a b", "2 1", "1 65536", "-1 5"])
    func whatIsNoRange(text: String) {
        #expect(PortRange(setting: text) == nil)
    }
}
