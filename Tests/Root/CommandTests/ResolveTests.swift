import Foundation
import LoadGenerator
import Testing

extension LiveTests {
    /// `--resolve`, with name services of the test's own, which the host sees nothing of.
    @Suite struct ResolveTests {
        private static let name = "pg-load-\(getpid())"

        /// What the tracer prints of five connections to 127.0.0.1, with these files in /etc.
        private func trace(_ files: [String: String]) throws -> String {
            var script = """
                set -e
                mount -t tmpfs none /mnt; mkdir /mnt/etc; cp -a /etc/. /mnt/etc
                mount --bind /mnt/etc /etc

                """
            for (name, text) in files {
                script += "rm -f /etc/\(name); printf '%s\\n' '\(text)' > /etc/\(name)\n"
            }
            script += """
                \(portgauge.path) --resolve --events all --comm \(Self.name) > /mnt/output & tracer=$!
                until grep -q ' start ' /mnt/output; do sleep 0.1; done
                \(portgauge.path) load --in-place --connections 5 --rate 5 --destinations 1 \
                    --name \(Self.name) > /dev/null
                kill -INT $tracer; wait $tracer; cat /mnt/output
                """
            // Whoever waits for a name does so for longer than this.
            let result = try run(
                "/usr/bin/timeout", ["100", "/usr/bin/unshare", "--mount", "sh", "-c", script])
            #expect(result.status == 0 && result.errors == "", "\(result)")
            #expect(result.output.contains(" 5 opened, 5 closed, "), "\(result.output)")
            return result.output
        }

        @Test func peersHaveNames() throws {
            let text = try PrivateNamespace.run(settings: ConnectLoop.fastSettings) {
                try trace(["nsswitch.conf": "hosts: files", "hosts": "127.0.0.1 db.test"])
            }
            #expect(text.contains(#/ established 127\.0\.0\.1:\d+ → db\.test:8080 /#))
            #expect(text.contains("  127.0.0.1 → db.test:8080  pg-load-"))
        }

        /// A name server that takes what it is asked, and is silent.
        @Test func nobodyWaitsForAName() throws {
            let text = try PrivateNamespace.run(settings: ConnectLoop.fastSettings) {
                let server = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
                defer { close(server) }
                var address = sockaddr_in()
                address.sin_family = sa_family_t(AF_INET)
                address.sin_port = UInt16(53).bigEndian
                address.sin_addr.s_addr = UInt32(0x7f00_0035).bigEndian
                let size = socklen_t(MemoryLayout<sockaddr_in>.size)
                let bound = withUnsafePointer(to: &address) {
                    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(server, $0, size) }
                }
                try #require(bound == 0)
                let text = try trace([
                    "nsswitch.conf": "hosts: dns",
                    "resolv.conf": "nameserver 127.0.0.53\noptions timeout:30 attempts:5",
                ])
                var question = [UInt8](repeating: 0, count: 512)
                let count = recv(server, &question, question.count, Int32(MSG_DONTWAIT))
                try #require(count > 0)
                #expect(String(decoding: question, as: UTF8.self).contains("in-addr"))
                return text
            }
            let told = text.split(separator: "\n").filter {
                $0.contains(#/ (established|close) +127\.0\.0\.1:\d+ → 127\.0\.0\.1:8080 /#)
            }
            #expect(told.count == 10)
        }
    }
}
