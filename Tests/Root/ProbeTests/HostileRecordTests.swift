import CPortgauge
import Events
import Foundation
import LinuxSystem
import PortModel
import Report
import TestSupport
import Testing
import Tracing

@testable import Probe

/// Whatever comes out of the ring: nothing traps, and what is told of it can be read.
@Suite struct HostileRecordTests {
    private func decode(_ bytes: [UInt8]) -> Record? { bytes.withUnsafeBytes { Record($0) } }

    @Test func onlyTheRightSizeIsARecord() {
        var sizes: [pg_kind: Int] = [PG_NAMESPACE: MemoryLayout<pg_namespace>.size]
        for kind in [PG_OPENED, PG_SOCKET, PG_OWNER, PG_HOLDER, PG_REFUSED] {
            sizes[kind] = MemoryLayout<pg_socket>.size
        }
        for kind in [
            PG_ESTABLISHED, PG_CLOSED, PG_TIME_WAIT, PG_RELEASED, PG_SEARCHED, PG_CARRIED,
        ] {
            sizes[kind] = MemoryLayout<pg_change>.size
        }
        // All bytes 1, but for the time's highest.
        var bytes = [UInt8](repeating: 1, count: 9000)
        bytes[MemoryLayout<pg_change>.offset(of: \.successor)! + 7] = 0xff
        for kind in 0...255 as ClosedRange<UInt8> {
            bytes[MemoryLayout<pg_head>.offset(of: \.kind)!] = kind
            let size = sizes[pg_kind(rawValue: UInt32(kind))]
            for count in Array(0...100) + Array(8200...8250) {
                let record = decode(Array(bytes.prefix(count)))
                #expect((record != nil) == (count == size), "kind \(kind), \(count) bytes")
            }
        }
    }

    @Test func namesEndAsTheKernelsDo() throws {
        var socket = pg_socket()
        socket.head.socket = 1
        socket.head.kind = UInt8(PG_OWNER.rawValue)
        withUnsafeMutableBytes(of: &socket.comm) { $0.copyBytes(from: "sixteen-letters!".utf8) }
        let bytes = withUnsafeBytes(of: socket) { Array($0) }
        #expect(
            decode(bytes)
                == .owner(
                    socket: 1, netns: 0, ProcessID(pid: 0, name: ProcessID.Name("sixteen-letters")))
        )
    }

    private func socket(_ kind: pg_kind, _ set: (inout pg_socket) -> Void) -> Record? {
        var socket = pg_socket()
        socket.head.kind = UInt8(kind.rawValue)
        socket.head.time_ns = 5
        socket.local.15 = 1
        socket.netns = 2
        socket.pid = 3
        socket.range_low = 40_000
        socket.range_high = 40_007
        socket.comm.0 = 0x61
        set(&socket)
        return decode(withUnsafeBytes(of: socket) { Array($0) })
    }

    private let process = ProcessID(pid: 3, name: ProcessID.Name("a"))
    private let address = IPAddress(high: 0, low: 1)

    /// Who opened a socket says the state hook, and who was refused the return hook; a walk does not.
    @Test(
        arguments: [
            (PG_OPENED.rawValue, 1000), (PG_REFUSED.rawValue, 1000),
            (PG_SOCKET.rawValue, ProcessID.noUser),
        ] as [(UInt32, UInt32)])
    func usersAreThoseOfCalls(kind: UInt32, expected: UInt32) throws {
        let record = socket(pg_kind(rawValue: kind)) {
            $0.head.error = 99
            $0.head.socket = 7
            $0.head.state = 1
            $0.uid = 1000
        }
        switch try #require(record) {
        case .opened(let connection), .exists(let connection, _):
            #expect(connection.process.uid == expected)
        case .refused(let refusal): #expect(refusal.call.process.uid == expected)
        default: Issue.record("another kind")
        }
    }

    @Test func refusalsSayWhichCall() {
        let bind = socket(PG_REFUSED) {
            $0.head.error = 98
            $0.head.flags = UInt8(PG_BIND.rawValue)
            $0.head.local_port = 8080
        }
        #expect(
            bind
                == .refused(
                    Record.Refusal(
                        time: 5, socket: 0,
                        call: FailedCall(
                            scope: .bindPool(BindPool.Key(netns: 2, local: address)),
                            localPort: 8080, process: process, errno: 98))))
        for anyAddress in [false, true] {
            let inferred = socket(PG_REFUSED) {
                $0.head.error = 98
                $0.head.flags = UInt8(PG_BIND.rawValue | PG_INFERRED.rawValue)
                $0.head.state = anyAddress ? 1 : 0
            }
            guard case .refused(let refusal) = inferred else {
                Issue.record("another kind")
                continue
            }
            #expect(refusal.inferred == Record.Inferred(anyAddress: anyAddress))
        }
        let connect = socket(PG_REFUSED) {
            $0.head.error = 99
            $0.head.socket = 7
            $0.remote.15 = 9
            $0.remote_port = 80
        }
        #expect(
            connect
                == .refused(
                    Record.Refusal(
                        time: 5, socket: 7,
                        call: FailedCall(
                            scope: .tuple(
                                Tuple(
                                    netns: 2, local: address, remote: IPAddress(high: 0, low: 9),
                                    remotePort: 80)), process: process, errno: 99))))
        #expect(socket(PG_REFUSED) { _ in } == nil, "no error is no refusal")
    }

    @Test(arguments: [(7, 0, false, false), (10, 0, true, false), (7, 16, false, true)])
    func holdersSayHow(state: UInt8, flags: UInt8, isListening: Bool, isChosen: Bool) {
        let holder = socket(PG_HOLDER) {
            $0.head.socket = 1
            $0.head.local_port = 40_003
            $0.head.state = state
            $0.head.flags = flags
        }
        #expect(
            holder
                == .holder(
                    Record.Holder(
                        netns: 2, local: address, localPort: 40_003, process: process,
                        isListening: isListening, portChosen: isChosen)))
        #expect(socket(PG_HOLDER) { $0.head.local_port = 40_003 } == nil, "no socket")
    }

    @Test func whatConnectionsCostIsTold() {
        var change = pg_change()
        change.head.time_ns = 5
        change.head.socket = 6
        change.head.local_port = 40_001
        change.successor = 1234
        change.head.kind = UInt8(PG_SEARCHED.rawValue)
        #expect(
            decode(withUnsafeBytes(of: change) { Array($0) })
                == .searched(socket: 6, localPort: 40_001, search: 1234, time: 5))
        change.head.kind = UInt8(PG_CARRIED.rawValue)
        #expect(
            decode(withUnsafeBytes(of: change) { Array($0) }) == .carried(socket: 6, bytes: 1234))
    }

    @Test(arguments: SeededGenerator.seeds(8)) func noiseIsNoTrap(seed: UInt64) {
        var forge = RecordForge(seed: seed)
        for _ in 0..<5000 {
            let count = Int.random(in: 0...100, using: &forge.random)
            _ = decode(forge.noise(count))
        }
    }

    /// As the tracer does with each record, in both forms.
    @Test(arguments: SeededGenerator.seeds(8)) func anythingCanBeTold(seed: UInt64) throws {
        var forge = RecordForge(seed: seed)
        let sink = CheckingSink()
        let names = [1: "\u{1b}[31m\"\\\u{2028}\u{9b}\u{7f}\n"] as [UInt32: String]
        var pipeline = Pipeline(
            sinks: [sink],
            context: RenderContext(
                timestamps: Timestamps(
                    realtimeOffset: 1_795_367_765_000_000_000, localOffset: -43_200),
                namespaceNames: [:], ownNamespace: 2, errnoName: errnoName),
            ownInode: 2, naming: { _, _ in names[1] })
        pipeline.ledger.followsBoundPorts = seed % 2 == 0
        pipeline.ledger.failures.awaitsReturns = seed % 3 == 0
        var decoded = 0
        for step in 1...3000 {
            guard let record = decode(forge.record()) else { continue }
            decoded += 1
            pipeline.take(record)
            pipeline.reportFailures()
            guard step % 50 == 0 else { continue }
            pipeline.now += 1_000_000_000
            pipeline.settle(now: pipeline.now)
            for (netns, namespace) in pipeline.ledger.namespaces {
                pipeline.ledger.setBound(namespace.pool.reserved, in: netns)
            }
            pipeline.ledger.countBindPools()
            _ = pipeline.secondPassed(at: pipeline.now, lost: UInt64(step))
            pipeline.ledger.forgetIdle(keeping: 4, gone: 1)
        }
        #expect(decoded > 2000 && sink.lines > 2000)
        var accuracy = Accuracy()
        accuracy.lost = .max
        _ = pipeline.finish(duration: pipeline.now, accuracy)
        if let problem = sink.problem { throw problem }
    }
}

/// Checks each line that an event becomes, in both forms.
private final class CheckingSink: EventSink {
    private(set) var lines = 0
    private(set) var problem: (any Error)?

    var takesConnections: Bool { true }

    func take(_ change: Change, in context: RenderContext) {
        switch change.kind {
        case .failed, .connecting: break
        default: take(.connection(change), at: change.time, in: context)
        }
    }

    func take(_ event: Event, at time: UInt64, in context: RenderContext) {
        lines += 1
        do { try check(event, time, context) } catch { problem = problem ?? error }
    }

    private func check(_ event: Event, _ now: UInt64, _ context: RenderContext) throws {
        var line = TextBuffer()
        JSONWriter().write(event, at: now, in: context, to: &line)
        let text = try #require(String(validating: line.bytes, as: UTF8.self))
        #expect(text.unicodeScalars.allSatisfy(isHarmless), "\(text)")
        #expect(
            try JSONSerialization.jsonObject(with: Data(line.bytes)) is [String: Any], "\(text)")
        line.clear()
        var writer = TextWriter(colour: false)
        writer.write(event, at: now, in: context, to: &line)
        let words = try #require(String(validating: line.bytes, as: UTF8.self))
        #expect(words.unicodeScalars.allSatisfy(isHarmless), "\(words)")
    }

    /// No terminal obeys it, and nothing but a newline ends a line.
    private func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
        scalar == "\n"
            || !(scalar.value < 0x20 || (0x7f..<0xa0).contains(scalar.value)
                || scalar.value == 0x2028 || scalar.value == 0x2029)
    }
}
