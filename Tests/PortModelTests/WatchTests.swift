import PortModel
import Testing

@Suite struct WatchTests {
    @Test func eachThresholdOnceUntilRecovered() {
        var watch = Watch()
        var told: [[Int]] = []
        for held in Array(0...100) + Array((0..<100).reversed()) + Array(0...60) {
            if let level = watch.observe(account: 0, held: held, usable: 100) {
                told.append([level, held])
            }
        }
        #expect(told == [[50, 50], [66, 66], [90, 90], [0, 44], [50, 50]])
    }

    @Test func hoveringAtAThresholdIsToldOnce() {
        var watch = Watch()
        let told = [50, 49, 50, 49, 50, 46, 50].compactMap {
            watch.observe(account: 0, held: $0, usable: 100)
        }
        #expect(told == [50])
    }

    @Test func aJumpOverSeveralTellsTheHighest() {
        var watch = Watch()
        #expect(watch.observe(account: 0, held: 2, usable: 2) == 90)
    }

    @Test func tuplesAreApart() {
        var watch = Watch(thresholds: [10])
        #expect(watch.observe(account: 3, held: 10, usable: 100) == 10)
        #expect(watch.observe(account: 1, held: 10, usable: 100) == 10)
        #expect(watch.observe(account: 3, held: 11, usable: 100) == nil)
    }

    @Test func nothingUsableIsNoThreshold() {
        var watch = Watch()
        #expect(watch.observe(account: 0, held: 0, usable: 0) == nil)
    }
}

@Suite struct FailureLogTests {
    private func failure(_ pid: UInt32, at time: UInt64, account: Int = 0) -> Change {
        Change(
            kind: .failed(.noPort, search: 5), time: time, account: account, tuple: Script.tuple,
            localPort: 0, process: Process(pid: pid, name: Process.Name("x")), held: 8, usable: 8)
    }

    @Test func theFirstAtOnceThenACountASecond() {
        var log = FailureLog()
        #expect(log.add(failure(1, at: 1))?.count == 1)
        #expect(log.add(failure(1, at: 2)) == nil)
        #expect(log.add(failure(1, at: 3)) == nil)
        #expect(log.add(failure(2, at: 4))?.count == 1)
        #expect(log.add(failure(1, at: 5, account: 1))?.count == 1)
        #expect(log.takeTick().map { [Int($0.change.process.pid), $0.count] } == [[1, 2]])
        #expect(log.add(failure(1, at: 6)) == nil)
        #expect(log.takeTick().map(\.count) == [1])
        #expect(log.takeTick().isEmpty)
        #expect(log.add(failure(1, at: 7))?.count == 1)
    }
}
