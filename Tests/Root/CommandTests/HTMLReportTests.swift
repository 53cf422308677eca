import Foundation
import LoadGenerator
import TestSupport
import Testing

extension LiveTests {
    @Suite struct HTMLReportTests {
        private static let settings = [
            "ipv4/ip_local_port_range": "40000 40063", "ipv4/tcp_tw_reuse": "0",
            "ipv4/tcp_rfc1337": "1",
        ]

        /// Of real connections, and the same again from their recording.
        @Test func ofALoadTest() throws {
            let folder = try TemporaryDirectory()
            let page = folder.url.appending(path: "report.html")
            let recording = folder.url.appending(path: "trace.jsonl")
            let again = folder.url.appending(path: "again.html")
            let name = "pg-html-\(getpid())"
            // How many of the 100 connects find none of the 64 ports: where the server closed first, one
            // is free again by then.
            let failed: Int = try PrivateNamespace.run(settings: Self.settings) {
                let tracer = try Tracer([
                    "--html", page.path, "--record", recording.path, "--comm", name,
                ])
                let load = try run(
                    portgauge.path,
                    [
                        "load", "--in-place", "--connections", "100", "--clients", "1",
                        "--destinations", "1", "--name", name,
                    ])
                _ = try tracer.stop()
                let match = try #require(load.output.firstMatch(of: #/failed (\d+) /#))
                return try #require(Int(match.1))
            }
            #expect(failed > 0)
            let text = try String(contentsOf: page, encoding: .utf8)
            #expect(
                text.contains(
                    "\(failed) connects failed for want of a port:</span> 127.0.0.1 → "))
            #expect(text.contains(" held all 64 usable ports at "))
            #expect(try HeadlessBrowser.faults(ofReport: page) == "")
            let report = try run(
                portgauge.path, ["report", "--html", again.path, recording.path])
            #expect(report.status == 0 && report.output == "" && report.errors == "")
            #expect(try Data(contentsOf: again) == Data(contentsOf: page))
        }
    }
}

@Suite struct HTMLOptionTests {
    @Test(arguments: [
        (["--html", ""], "--html needs the name of a file"),
        (["--html", "-"], "--html needs a file: standard output has the summary already"),
        (["--html", "a", "--record", "a"], "--record and --html cannot go to one file"),
        (["--html", "a", "--report", "a"], "--report and --html cannot go to one file"),
        (["report", "--html", "-", "a"], "--html needs the name of a file"),
    ]) func isRefused(arguments: [String], reason: String) throws {
        let result = try run(portgauge.path, arguments)
        #expect(result.status == 64)
        #expect(result.errors.contains(reason), "\(result.errors)")
    }

    @Test func nothingIsLeftOfAReportThatCannotBe() throws {
        let folder = try TemporaryDirectory()
        let page = folder.url.appending(path: "report.html").path
        let result = try run(
            portgauge.path, ["report", "--html", page, folder.url.path + "/missing.jsonl"])
        #expect(result.status == 1)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == [])
    }
}
