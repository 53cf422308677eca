import Foundation
import LinuxSystem
import LoadGenerator
import Testing

extension LiveTests {
    /// The device is part of what ports are counted for.
    @Suite struct DeviceTests {
        private static let settings = [
            "ipv4/ip_local_port_range": "40000 40007", "ipv6/conf/default/accept_dad": "0",
        ]

        private func connect(to peer: in6_addr, through device: String) throws -> Int32 {
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_addr = peer
            address.sin6_port = UInt16(81).bigEndian
            address.sin6_scope_id = if_nametoindex(device)
            try #require(address.sin6_scope_id != 0)
            let kind = SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue
            let client = socket(AF_INET6, Int32(kind), 0)
            let result = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    Glibc.connect(client, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
                }
            }
            if result == 0 || errno == EINPROGRESS { return client }
            #expect(errno == EADDRNOTAVAIL)
            close(client)
            return -1
        }

        /// The same link-local addresses behind two interfaces: each has all ports.
        @Test func eachHasItsOwnPorts() throws {
            try PrivateNamespace.run(settings: Self.settings) {
                let devices = ["pg-a", "pg-b"]
                for device in devices {
                    for arguments in [
                        ["link", "add", device, "type", "veth", "peer", "name", "\(device)2"],
                        ["link", "set", "\(device)2", "up"], ["link", "set", device, "up"],
                        ["addr", "add", "fe80::1/64", "dev", device],
                    ] {
                        let result = try run("/usr/sbin/ip", arguments)
                        try #require(result.status == 0, "\(result.errors)")
                    }
                }
                var peer = in6_addr()
                #expect(inet_pton(AF_INET6, "fe80::2", &peer) == 1)
                let tracer = try Tracer()
                // Nobody answers: each holds its port as long as neighbours are looked for.
                var clients: [Int32] = []
                defer { for client in clients { close(client) } }
                for device in devices {
                    for _ in 0..<8 { clients.append(try connect(to: peer, through: device)) }
                    #expect(try connect(to: peer, through: device) == -1)
                }
                #expect(clients.allSatisfy { $0 >= 0 })
                let events = try tracer.wait("both failures") {
                    $0.count { $0.name == "failure" } == 2
                }
                let failures = events.filter { $0.name == "failure" }
                #expect(failures.compactMap { $0["device"] as String? }.sorted() == devices)
                for failure in failures {
                    #expect(failure["cause"] == "exhausted" && failure["held"] == 8, "\(failure)")
                }
                let summary = try tracer.stop()
                let peaks = summary.tuples.map { "\($0["device"] ?? "-") \($0["peak"] ?? 0)" }
                #expect(peaks.sorted() == ["pg-a 8", "pg-b 8"])
            }
        }
    }
}
