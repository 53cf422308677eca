import CPortgauge
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
        for kind in [PG_OPENED, PG_SOCKET, PG_OWNER] { sizes[kind] = MemoryLayout<pg_socket>.size }
        for kind in [PG_ESTABLISHED, PG_CLOSED, PG_TIME_WAIT, PG_RELEASED] {
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
                    socket: 1, netns: 0, Process(pid: 0, name: Process.Name("sixteen-letters"))))
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
    private var watch = Watch()
    private var failures = FailureLog()
    private var now: UInt64 = 0
    private var surroundings = Surroundings(
        timestamps: Timestamps(realtimeOffset: 1_795_367_765_000_000_000, localOffset: -43_200),
        namespaceNames: [1: "\u{1b}[31m\"\\\u{2028}\u{9b}\u{7f}\n"], ownNamespace: 2,
        errnoName: errnoName)

    init(seed: UInt64) { ledger.followsBoundPorts = seed % 2 == 0 }

    mutating func take(_ record: Record) throws {
        if let change = ledger.apply(record) { try follow(change) }
    }

    mutating func secondPassed() throws {
        now += 1_000_000_000
        var changes: [Change] = []
        ledger.settle(now: now) { changes.append($0) }
        for change in changes { try follow(change) }
        for failure in failures.takeTick() { try tell(.failure(failure)) }
        for tick in ledger.takeTicks() { try tell(.tick(tick)) }
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
        if case .failed = change.kind {
            if let failure = failures.add(change) { try tell(.failure(failure)) }
        } else if change.kind != .connecting {
            try tell(.connection(change))
        }
        let level = watch.observe(account: change.account, held: change.held, usable: change.usable)
        if let level { try tell(.alert(Alert(level: level, change))) }
    }

    private func tell(_ event: Event) throws {
        var line = Line()
        JSONWriter().write(event, at: now, in: surroundings, to: &line)
        let text = try #require(String(validating: line.bytes, as: UTF8.self))
        #expect(text.unicodeScalars.allSatisfy(isHarmless), "\(text)")
        #expect(
            try JSONSerialization.jsonObject(with: Data(line.bytes)) is [String: Any], "\(text)")
        line.clear()
        TextWriter(colour: false).write(event, at: now, in: surroundings, to: &line)
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
