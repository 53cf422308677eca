import ArgumentParser
import Glibc
import LinuxSystem
import LoadGenerator
import Probe
import Tracing

struct DemoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "See an exhaustion caught in five seconds, in a private network namespace.",
        discussion: """
            A client with 64 ephemeral ports opens 40 connections a second and closes each at once, \
            while portgauge traces it. Nothing is changed on the host. It takes root.

            Examples:
              portgauge demo
            """)

    private static let settings = [
        "ipv4/ip_local_port_range": "40000 40063",
        // Else loopback would take ports in TIME_WAIT again after a second.
        "ipv4/tcp_tw_reuse": "0",
    ]

    func run() throws {
        print(
            """
            A client in a private network namespace with 64 ephemeral ports opens 40 connections a
            second and closes each at once. Its ports stay in TIME_WAIT for 60 s: watch them run out.

            """)
        fflush(nil)
        try PrivateNamespace.enter(settings: Self.settings)
        try setProcessName("demo-client")
        var options = TraceLoop.Options(version: Portgauge.version)
        options.duration = 4
        options.filter.pids = [UInt32(getpid())]
        // The trace comes first: the threads of the load then leave Ctrl-C to it.
        var trace = try TraceLoop(options: options)
        var load = ConnectLoop(destinations: [try Endpoint("127.0.0.1", port: 8080)])
        load.rate = 40
        load.duration = 4
        let client = try Thread { [load] in Result { try load.run() } }
        try trace.run().check()
        _ = try client.join().get()
    }
}
