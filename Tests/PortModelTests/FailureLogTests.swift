import PortModel
import Testing

private let millisecond: UInt64 = 1_000_000

@Suite struct FailureLogTests {
    private func failure(
        _ pid: UInt32, at time: UInt64, port: UInt16 = 80, call: FailedCall.Kind = .connect
    ) -> Failure {
        var tuple = Script.tuple
        tuple.remotePort = port
        let process = ProcessID(pid: pid, name: ProcessID.Name("x"))
        return Failure(
            FailedCall(scope: Script.scope(call, tuple), process: process), time: time,
            usage: PortUsage(usable: 8))
    }

    private func refusal(
        _ socket: UInt64, at time: UInt64, errno: UInt16 = 99, call: FailedCall.Kind = .connect
    ) -> Record.Refusal {
        Record.Refusal(
            time: time, socket: socket,
            call: FailedCall(
                scope: Script.scope(call), process: ProcessID(pid: 1, name: ProcessID.Name("x")),
                errno: errno))
    }

    @Test func theFirstAtOnceThenACountASecond() {
        var log = FailureLog()
        #expect(log.add(failure(1, at: 1), socket: 1)?.count == 1)
        #expect(log.add(failure(1, at: 2), socket: 2) == nil)
        #expect(log.add(failure(1, at: 3), socket: 3) == nil)
        #expect(log.add(failure(2, at: 4), socket: 4)?.count == 1)
        #expect(log.add(failure(1, at: 5, port: 81), socket: 5)?.count == 1)
        #expect(log.takeTick().map { [Int($0.call.process.pid), $0.count] } == [[1, 2]])
        #expect(log.add(failure(1, at: 6), socket: 6) == nil)
        #expect(log.takeTick().map(\.count) == [1])
        #expect(log.takeTick().isEmpty)
        #expect(log.add(failure(1, at: 7), socket: 7)?.count == 1)
    }

    @Test func withoutReturnsARefusalIsItsOwn() {
        var log = FailureLog()
        #expect(log.add(failure(1, at: 1), socket: 1) != nil)
        #expect(!log.isAwaited(refusal(1, at: 2)))
        let other = failure(1, at: 2, call: .bind)
        #expect(log.returned(refusal(1, at: 2, call: .bind), else: other)?.call.kind == .bind)
        #expect(log.settle(now: 1000 * millisecond).isEmpty)
    }

    private func awaiting() -> FailureLog {
        var log = FailureLog()
        log.awaitsReturns = true
        return log
    }

    @Test(arguments: [99, 12] as [UInt16]) func whatItReturnedIsTold(errno: UInt16) throws {
        var log = awaiting()
        #expect(log.add(failure(1, at: 1), socket: 7) == nil)
        #expect(log.isAwaited(refusal(7, at: 2)) && !log.isAwaited(refusal(8, at: 2)))
        let returned = log.returned(refusal(7, at: 2, errno: errno), else: failure(9, at: 2))
        let told = try #require(returned)
        #expect(
            told.call.errno == errno && told.call.process.pid == 1 && told.time == 1
                && told.count == 1)
        #expect(!log.isAwaited(refusal(7, at: 3)))
        #expect(log.settle(now: 5000 * millisecond).isEmpty, "told once")
        #expect(log.takeTick().isEmpty)
    }

    @Test func whatReturnsTooLateIsToldOnce() {
        var log = awaiting()
        #expect(log.add(failure(1, at: 1), socket: 7) == nil)
        #expect(log.settle(now: 100 * millisecond).isEmpty)
        #expect(log.settle(now: 102 * millisecond).map(\.call.errno) == [nil])
        #expect(log.settle(now: 103 * millisecond).isEmpty)
        #expect(log.isAwaited(refusal(7, at: 200 * millisecond)))
        #expect(log.returned(refusal(7, at: 200 * millisecond), else: failure(9, at: 2)) == nil)
    }

    @Test func whatNeverReturnsIsToldOnceAndForgotten() {
        var log = awaiting()
        #expect(log.add(failure(1, at: 1), socket: 7) == nil)
        #expect(log.settle(now: 300 * millisecond).count == 1)
        #expect(log.settle(now: 2000 * millisecond).isEmpty)
        #expect(!log.isAwaited(refusal(7, at: 2000 * millisecond)))
        // Even if nobody looked in time.
        #expect(log.add(failure(2, at: 3000 * millisecond), socket: 8) == nil)
        #expect(log.settle(now: 9000 * millisecond).count == 1)
        #expect(log.settle(now: 9001 * millisecond).isEmpty)
    }

    @Test func whatReturnsTwiceIsToldTwice() {
        var log = awaiting()
        #expect(log.add(failure(1, at: 1), socket: 7) == nil)
        #expect(log.returned(refusal(7, at: 2), else: failure(9, at: 2))?.call.process.pid == 1)
        // The second is not of the search that failed.
        #expect(log.returned(refusal(7, at: 3), else: failure(9, at: 3))?.call.process.pid == 9)
    }

    /// A socket may fail again, and each is counted.
    @Test func aSocketThatFailsAgainIsCountedAgain() {
        var log = awaiting()
        for time in 1...5 as ClosedRange<UInt64> {
            #expect(log.add(failure(1, at: 2 * time), socket: 7) == nil)
            let told = log.returned(refusal(7, at: 2 * time + 1), else: failure(9, at: 2))
            #expect((told != nil) == (time == 1))
        }
        #expect(log.takeTick().map(\.count) == [4])
    }

    /// Two failures of one socket, and the return of the first was lost.
    @Test func aLostReturnLosesNoFailure() {
        var log = awaiting()
        #expect(log.add(failure(1, at: 1), socket: 7) == nil)
        let first = log.add(failure(1, at: 5 * millisecond), socket: 7)
        let second = log.returned(refusal(7, at: 6 * millisecond), else: failure(9, at: 6))
        let counted = [first, second].compactMap { $0?.count } + log.takeTick().map(\.count)
        #expect(counted.reduce(0, +) == 2)
    }

    @Test func causesAreApart() {
        var log = FailureLog()
        var named = failure(1, at: 1)
        named.call.localPort = 5000
        #expect(log.add(failure(1, at: 1), socket: 1) != nil)
        #expect(log.add(named, socket: 2) != nil)
        #expect(log.add(failure(1, at: 1, call: .bind), socket: 3) != nil)
        named.call.errno = 12
        #expect(log.add(named, socket: 4) != nil)
        #expect(log.takeTick().isEmpty)
    }
}
