import PortModel
import Testing

@Suite struct AlertThresholdsTests {
    @Test func eachThresholdOnceUntilRecovered() {
        var watch = AlertThresholds()
        var told: [[Int]] = []
        for held in Array(0...100) + Array((0..<100).reversed()) + Array(0...60) {
            if let level = watch.observe(0, used: held, usable: 100) {
                told.append([level, held])
            }
        }
        #expect(told == [[50, 50], [66, 66], [90, 90], [0, 44], [50, 50]])
    }

    @Test func hoveringAtAThresholdIsToldOnce() {
        var watch = AlertThresholds()
        let told = [50, 49, 50, 49, 50, 46, 50].compactMap {
            watch.observe(0, used: $0, usable: 100)
        }
        #expect(told == [50])
    }

    @Test func aJumpOverSeveralTellsTheHighest() {
        var watch = AlertThresholds()
        #expect(watch.observe(0, used: 2, usable: 2) == 90)
    }

    @Test func tuplesAreApart() {
        var watch = AlertThresholds(thresholds: [10])
        #expect(watch.observe(3, used: 10, usable: 100) == 10)
        #expect(watch.observe(1, used: 10, usable: 100) == 10)
        #expect(watch.observe(3, used: 11, usable: 100) == nil)
    }

    @Test func nothingUsableIsNoThreshold() {
        var watch = AlertThresholds()
        #expect(watch.observe(0, used: 0, usable: 0) == nil)
    }
}
