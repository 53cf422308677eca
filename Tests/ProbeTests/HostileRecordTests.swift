import CPortgauge
import Events
import Foundation
import PortModel
import Report
import TestSupport
import Testing

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
        var road = HostileRoad(seed: seed)
        var decoded = 0
        for step in 1...3000 {
            guard let record = decode(forge.record()) else { continue }
            decoded += 1
            try road.take(record)
            if step % 50 == 0 { try road.secondPassed() }
        }
        #expect(decoded > 2000)
        try road.finish()
    }
}

/// The road of a record, checking each line.
private struct HostileRoad {
    private var ledger = Ledger()
    private var watch = AlertThresholds()
    private var poolThresholds = AlertThresholds()
    private let isKnown: Bool
    private var failures = FailureLog()
    private var now: UInt64 = 0
    private var context = RenderContext(
        timestamps: Timestamps(realtimeOffset: 1_795_367_765_000_000_000, localOffset: -43_200),
        namespaceNames: [1: "\u{1b}[31m\"\\\u{2028}\u{9b}\u{7f}\n"], ownNamespace: 2,
        errnoName: errnoName)

    init(seed: UInt64) {
        ledger.followsBoundPorts = seed % 2 == 0
        isKnown = seed % 3 == 0
        failures.awaitsReturns = isKnown
    }

    mutating func take(_ record: Record) throws {
        if case .refused(let refusal) = record {
            let other = ledger.failure(refusal)
            if !failures.isAwaited(refusal) { ledger.enter(other) }
            try tell(failures.returned(refusal, else: other))
        }
        guard let change = ledger.apply(record) else { return }
        try follow(change)
        if case .closed(let closing) = record, let failure = ledger.failure(change) {
            try tell(failures.add(failure, socket: closing.socket))
        }
    }

    private mutating func tell(_ failure: Failure?) throws {
        guard var failure else { return }
        ledger.diagnose(&failure, isKnown: isKnown)
        try tell(.failure(failure))
    }

    mutating func secondPassed() throws {
        now += 1_000_000_000
        var changes: [Change] = []
        ledger.settle(now: now) { changes.append($0) }
        for change in changes { try follow(change) }
        for failure in failures.settle(now: now) + failures.takeTick() { try tell(failure) }
        for (netns, namespace) in ledger.namespaces {
            ledger.setBound(namespace.pool.reserved, in: netns)
        }
        ledger.countBindPools(at: now)
        for pool in ledger.bindPools.values {
            try tell(.bindPool(Event.BindPoolUsage(pool)))
            let level = poolThresholds.observe(pool.number, used: pool.used, usable: pool.usable)
            guard let level else { continue }
            try tell(
                .alert(
                    Alert(
                        level: level, time: now, scope: .bindPool(pool.key),
                        usage: pool.usage)))
        }
        for tick in ledger.takeTicks(at: 2_000_000_000) { try tell(.tick(tick)) }
        ledger.forgetIdle(keeping: 4, gone: 1)
    }

    func finish() throws {
        var accuracy = Accuracy()
        accuracy.lost = .max
        let summary = Summary(
            of: ledger, duration: now, accuracy: accuracy, linesDropped: .max, limit: 1000)
        try tell(.summary(summary))
    }

    private mutating func follow(_ change: Change) throws {
        switch change.kind {
        case .failed, .connecting: break
        default: try tell(.connection(change))
        }
        let usage = ledger.usage(of: change.account)
        let level = watch.observe(
            change.account, used: usage.used, usable: usage.usable)
        if let level {
            try tell(
                .alert(
                    Alert(
                        level: level, time: now, scope: .tuple(change.tuple),
                        usage: usage)))
        }
    }

    private func tell(_ event: Event) throws {
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
