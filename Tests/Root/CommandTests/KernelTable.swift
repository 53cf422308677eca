import Foundation
import LinuxSystem
import LoadGenerator
import Testing

/// What `ss` shows of the network namespace of the calling thread: the oracle.
struct KernelTable: Equatable {
    struct Row: Equatable {
        var state: String
        var local: String
        var localPort: Int
        var remote: String
        var remotePort: Int
        /// The port is held by a timewait object; a parked FIN_WAIT2 is one, too.
        var isTimeWait: Bool
    }

    var rows: [Row]

    init() throws {
        rows = try run("/usr/bin/ss", ["-Htano"]).output.split(separator: "\n").compactMap { line in
            let columns = line.split(separator: " ", omittingEmptySubsequences: true)
            guard columns.count >= 5, columns[0] != "LISTEN", columns[0] != "UNCONN" else {
                return nil
            }
            let local = try Self.endpoint(columns[3])
            let remote = try Self.endpoint(columns[4])
            return Row(
                state: String(columns[0]), local: local.address, localPort: local.port,
                remote: remote.address, remotePort: remote.port,
                isTimeWait: columns.last?.hasPrefix("timer:(timewait") == true)
        }
    }

    /// `[::ffff:127.0.0.1]:80` is 127.0.0.1 and 80: one pool with IPv4.
    private static func endpoint(_ text: Substring) throws -> (address: String, port: Int) {
        let colon = try #require(text.lastIndex(of: ":"))
        var address = text[..<colon].drop { $0 == "[" }
        if address.last == "]" { address.removeLast() }
        if address.hasPrefix("::ffff:") { address = address.dropFirst(7) }
        return (String(address), try #require(Int(text[text.index(after: colon)...])))
    }

    /// The client's side of connections to these ports, by tuple.
    func clients(of serverPorts: Set<Int>) -> [TupleName: Set<Int>] {
        var held: [TupleName: Set<Int>] = [:]
        for row in rows where serverPorts.contains(row.remotePort) {
            let tuple = TupleName(local: row.local, remote: row.remote, remotePort: row.remotePort)
            held[tuple, default: []].insert(row.localPort)
        }
        return held
    }
}

/// Runs a program to its end, in the namespaces of the calling thread.
@discardableResult
func run(
    _ program: String, _ arguments: [String]
) throws -> (status: Int32, output: String, errors: String) {
    let process = Process()
    let output = Pipe()
    let errors = Pipe()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    // Both at once: it may write more to either than a pipe holds.
    let said = try LinuxSystem.Thread { errors.fileHandleForReading.readDataToEndOfFile() }
    let out = output.fileHandleForReading.readDataToEndOfFile()
    let err = said.join()
    process.waitUntilExit()
    return (
        process.terminationStatus, String(decoding: out, as: UTF8.self),
        String(decoding: err, as: UTF8.self)
    )
}
