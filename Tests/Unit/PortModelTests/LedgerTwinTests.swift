import PortModel
import TestSupport
import Testing

/// A kernel of a few lines: sockets and timewait objects, and the statements it would make.
private struct Kernel {
    enum Life { case searching, connected, timeWait, ended }

    struct Socket {
        /// Its cookie, or later the address of its timewait object.
        var identity: UInt64
        let cookie: UInt64
        var tuple: Tuple
        var port: UInt16
        var life: Life
    }

    var sockets: [Socket] = []
    var random: SeededGenerator
    var time: UInt64 = 0
    private var nextCookie: UInt64 = 1
    private var nextObject: UInt64 = 0xffff_8880_0000_0000

    init(seed: UInt64) { random = SeededGenerator(state: seed) }

    /// Does one thing at random. Returns its record.
    mutating func step() -> Record? {
        time += 1
        let index = sockets.indices.randomElement(using: &random)
        let opens = sockets.count < 30 ? 2 : 5
        guard let index, Int.random(in: 0..<opens, using: &random) > 0 else { return open() }
        let socket = sockets[index]
        switch socket.life {
        case .searching:
            switch Int.random(in: 0..<6, using: &random) {
            case 0: return end(index, port: 0)
            case 1: return end(index, port: socket.port, error: 111)
            default:
                sockets[index].life = .connected
                return .established(
                    socket: socket.identity, localPort: socket.port, time: time)
            }
        case .connected:
            if Bool.random(using: &random) { return end(index, port: socket.port) }
            nextObject += 256
            sockets[index].identity = nextObject
            sockets[index].life = .timeWait
            return .timeWait(
                socket: socket.identity, successor: nextObject, reusable: false, time: time)
        case .timeWait:
            sockets[index].life = .ended
            return .released(
                socket: socket.identity, cookie: socket.cookie, mayReturn: false, time: time)
        case .ended:
            sockets.remove(at: index)
            return nil
        }
    }

    private mutating func open() -> Record {
        let tuple = Tuple(
            netns: UInt32.random(in: 1...2, using: &random), local: IPAddress(v4: 1),
            remote: IPAddress(v4: UInt32.random(in: 1...3, using: &random)), remotePort: 80)
        let socket = Socket(
            identity: nextCookie, cookie: nextCookie, tuple: tuple,
            port: UInt16(nextCookie % 60_000 + 1),
            life: .searching)
        nextCookie += 1
        sockets.append(socket)
        return .opened(Script.connection(socket.identity, at: time, tuple: tuple))
    }

    private mutating func end(_ index: Int, port: UInt16, error: UInt16 = 0) -> Record {
        sockets[index].life = .ended
        return .closed(
            Record.Closing(
                time: time, socket: sockets[index].identity, localPort: port, error: error))
    }

    func held(
        _ tuple: Tuple, _ lives: [Life] = [.connected, .timeWait], without unseen: Set<UInt64> = []
    ) -> Int {
        sockets.count {
            $0.tuple == tuple && lives.contains($0.life) && !unseen.contains($0.cookie)
        }
    }

    func snapshot() -> [Record] {
        sockets.compactMap { socket in
            let connection = Script.connection(
                socket.identity, at: time, port: socket.port, tuple: socket.tuple)
            return switch socket.life {
            case .connected: .exists(connection, state: .established)
            case .timeWait: .exists(connection, state: .timeWait)
            case .searching, .ended: nil
            }
        }
    }
}

/// Random walks against a kernel of a few lines.
@Suite struct LedgerTwinTests {
    /// Records come twice now and then, and snapshots in between; a second ledger starts in the
    /// middle from a snapshot alone. Both know what the kernel knows after each step.
    @Test(arguments: 1...20 as ClosedRange<UInt64>) func agreesWithTheKernel(seed: UInt64) {
        var kernel = Kernel(seed: seed)
        var ledger = Ledger()
        var late: Ledger?
        var unseen: Set<UInt64> = []
        for step in 0..<3000 {
            guard let record = kernel.step() else { continue }
            _ = ledger.apply(record)
            if step % 7 == 0 { _ = ledger.apply(record) }
            if step % 501 == 0 {
                ledger.beginScan(for: .seed, at: 0)
                for record in kernel.snapshot() { _ = ledger.apply(record) }
                _ = ledger.endScan(of: [])
            }
            if step == 1500 {
                var started = Ledger()
                for record in kernel.snapshot() { _ = started.apply(record) }
                late = started
                // No snapshot has a connect() that is still looking for its port.
                unseen = Set(kernel.sockets.filter { $0.life == .searching }.map(\.cookie))
                #expect(started.tuples.map(\.held).reduce(0, +) > 0)
            } else {
                _ = late?.apply(record)
            }
            for account in ledger.tuples {
                #expect(account.held == kernel.held(account.tuple), "step \(step)")
                #expect(account.timeWait == kernel.held(account.tuple, [.timeWait]), "step \(step)")
                #expect(account.peak.held >= account.held)
            }
            for account in late.map({ Array($0.tuples) }) ?? [] {
                #expect(account.held == kernel.held(account.tuple, without: unseen), "step \(step)")
            }
        }
    }
}
