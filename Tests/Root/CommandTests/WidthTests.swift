import Foundation
import LoadGenerator
import Testing

extension LiveTests {
    /// Text is as wide as COLUMNS or the terminal says, also when that changes.
    @Suite struct WidthTests {
        /// Lines that are wider, but for commands, which are to be copied.
        private func wide(_ text: String, than columns: Int) -> [Substring] {
            text.split(whereSeparator: \.isNewline).filter { line in
                let word = line.split(separator: " ").first ?? ""
                return line.count > columns
                    && !["sysctl", "nsenter"].contains(word) && !word.hasPrefix("setsockopt(")
            }
        }

        @Test(arguments: ["snapshot", "doctor", "--duration=0.1"])
        func asColumnsSays(command: String) throws {
            let result = try run(
                "/usr/bin/env", ["COLUMNS=50", portgauge.path, command, "--output=text"])
            #expect(result.status == 0 && !result.output.isEmpty)
            #expect(wide(result.output, than: 50) == [])
        }

        @Test func aNewWidthIsTakenUp() throws {
            var ends: (master: Int32, slave: Int32) = (-1, -1)
            var size = winsize(ws_row: 24, ws_col: 150, ws_xpixel: 0, ws_ypixel: 0)
            try #require(openpty(&ends.master, &ends.slave, nil, nil, &size) == 0)
            let terminal = FileHandle(fileDescriptor: ends.master, closeOnDealloc: true)
            let slave = FileHandle(fileDescriptor: ends.slave, closeOnDealloc: true)
            let process = Process()
            process.executableURL = portgauge
            process.arguments = ["demo"]
            process.environment = ["NO_COLOR": "1"]
            process.standardOutput = slave
            try process.run()
            try slave.close()
            var text = ""
            func read() -> Bool {
                var bytes = [UInt8](repeating: 0, count: 65536)
                let count = Foundation.read(terminal.fileDescriptor, &bytes, bytes.count)
                if count > 0 { text += String(decoding: bytes[..<count], as: UTF8.self) }
                return count > 0
            }
            while !text.contains(" start ") { try #require(read()) }
            size.ws_col = 50
            try #require(ioctl(terminal.fileDescriptor, UInt(TIOCSWINSZ), &size) == 0)
            while read() {}
            process.waitUntilExit()
            #expect(process.terminationStatus == 0)
            let parts = text.split(separator: "Summary of")
            try #require(parts.count == 2)
            #expect(wide(String(parts[0]), than: 90) != [])
            #expect(wide(String(parts[1]), than: 50) == [])
        }
    }
}
