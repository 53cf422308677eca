import ArgumentParser
import Glibc
import LoadGenerator

/// The load of the tests and the benchmark, as a process of its own.
struct LoadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load",
        abstract: "Open and close connections on loopback in a private network namespace.",
        shouldDisplay: false)

    @Option(help: "Addresses to connect to, in turn.")
    var destinations = 64

    @Option(help: "Port to connect to.")
    var port: UInt16 = 8080

    @Option(help: "Threads that connect.")
    var clients = 4

    @Option(help: "Threads that accept.")
    var servers = 2

    @Option(help: "Seconds.")
    var duration: Double?

    @Option(help: "Attempts.")
    var connections: Int?

    @Option(help: "Attempts a second.")
    var rate: Double?

    @Flag(help: "Keep the connections open until standard input ends.")
    var hold = false

    @Option(help: "What the process is called.")
    var name = "portgauge-load"

    @Flag(help: "Stay in this network namespace, which must be a private one.")
    var inPlace = false

    func run() throws {
        try setProcessName(name)
        if !inPlace { try PrivateNamespace.enter(settings: ConnectLoop.fastSettings) }
        var load = ConnectLoop(destinations: Endpoint.loopback(count: destinations, port: port))
        load.clients = clients
        load.serverThreads = servers
        load.duration = duration
        load.connections = connections
        load.rate = rate
        load.hold = hold
        let result = try load.run { result in
            print("holding \(result.opened)")
            fflush(nil)
            while readLine() != nil {}
        }
        print("opened \(result.opened) failed \(result.failed.values.reduce(0, +))", terminator: "")
        print(" seconds \(result.seconds) rate \(Int(result.connectionsPerSecond))")
    }
}
