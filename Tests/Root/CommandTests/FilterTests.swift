import Foundation
import LoadGenerator
import Testing

extension LiveTests {
    /// A filter narrows what is printed and counted.
    @Suite struct FilterTests {
        private static let name = String(
            decoding: (try? Data(contentsOf: URL(fileURLWithPath: "/proc/self/comm"))) ?? Data(),
            as: UTF8.self
        ).trimmingCharacters(in: .newlines)

        static let cases: [(filter: [String], opened: Int)] = [
            ([], 3),
            (["--remote", "127.0.0.2"], 1),
            (["--remote", "127.0.0.0/30"], 3),
            (["--remote", "127.0.0.2/31:8080"], 2),
            (["--remote", "127.0.0.1:8080", "--remote", "127.0.0.3"], 2),
            (["--remote", "0.0.0.0/0:8080"], 3),
            (["--remote", "0.0.0.0/0:81"], 0),
            (["--remote", "::/0"], 3),
            (["--remote", "[::1]:8080"], 0),
            (["--remote", "::ffff:127.0.0.2"], 1),
            (["--pid", "\(getpid())"], 3),
            (["--pid", "1", "--pid", "\(getpid())"], 3),
            (["--pid", "1"], 0),
            (["--comm", name], 3),
            (["--comm", "somebody"], 0),
            (["--pid", "\(getpid())", "--remote", "127.0.0.3"], 1),
            (["--pid", "1", "--remote", "127.0.0.3"], 0),
        ]

        @Test(arguments: cases) func narrows(filter: [String], opened: Int) throws {
            try PrivateNamespace.run {
                let listener = try TCPSocket(family: Endpoint("0.0.0.0", port: Scene.port))
                try listener.bind(to: Endpoint("0.0.0.0", port: Scene.port))
                try listener.listen()
                let tracer = try Tracer(["--events", "all"] + filter)
                for address in ["127.0.0.1", "127.0.0.2", "127.0.0.3"] {
                    let server = try Endpoint(address, port: Scene.port)
                    let client = try TCPSocket(family: server)
                    try client.connect(to: server)
                    try listener.accept().abort()
                    try client.close()
                }
                let summary = try tracer.stop()
                #expect(summary.total("opened") == opened)
                #expect(tracer.events.count { $0.name == "open" } == opened)
                #expect(tracer.events.count { $0.name == "close" } == opened)
            }
        }
    }
}
