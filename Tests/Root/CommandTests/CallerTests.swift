import Foundation
import LinuxSystem
import LoadGenerator
import Testing

extension LiveTests {
    /// Failing calls are told whatever they look like to the kernel.
    @Suite struct CallerTests {
        /// An address may end where its page does, as one on a Go program's heap does now and then: who
        /// reads more of it than the caller gave reads nothing.
        @Test(.enabled(if: Kernel.readsRegisters), arguments: ["bind", "connect"])
        func anAddressAtTheEndOfAPage(_ call: String) throws {
            let settings = ["ipv4/ip_local_port_range": "40000 40007", "ipv4/tcp_tw_reuse": "0"]
            try PrivateNamespace.run(settings: settings) {
                let scene = try Scene(.v4)
                let pages = mmap(
                    nil, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)!
                munmap(pages + 4096, 4096)
                defer { munmap(pages, 4096) }
                let size = MemoryLayout<sockaddr_in>.size
                let address = pages + 4096 - size
                var refused = 0
                var sockets: [Int32] = []
                defer { for socket in sockets { close(socket) } }
                for _ in 0..<12 {
                    sockets.append(socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
                    var wanted = sockaddr_in()
                    wanted.sin_family = sa_family_t(AF_INET)
                    wanted.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
                    wanted.sin_port = (call == "bind" ? 0 : Scene.port).bigEndian
                    address.storeBytes(of: wanted, as: sockaddr_in.self)
                    let given = address.assumingMemoryBound(to: sockaddr.self)
                    let result =
                        call == "bind"
                        ? Glibc.bind(sockets.last!, given, socklen_t(size))
                        : Glibc.connect(sockets.last!, given, socklen_t(size))
                    if result != 0 { refused += 1 }
                }
                #expect(refused == 4)
                let events = try scene.tracer.wait("all failures") {
                    $0.filter { $0.name == "failure" }.reduce(0) { $0 + ($1["count"] ?? 0) } == 4
                }
                for failure in events.filter({ $0.name == "failure" }) {
                    let errno = call == "bind" ? "EADDRINUSE" : "EADDRNOTAVAIL"
                    #expect(failure["call"] == call && failure["errno"] == errno, "\(failure)")
                    #expect(failure["cause"] == "exhausted", "\(failure)")
                }
                _ = try scene.tracer.stop()
            }
        }
    }
}
