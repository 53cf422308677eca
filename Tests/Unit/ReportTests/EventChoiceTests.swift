import PortModel
import Testing

@testable import Events
@testable import Report

@Suite struct EventChoiceTests {
    static let closed = Change.Kind.closed(timeWait: true, lived: 1, error: nil)
    static let kinds: [Change.Kind] = [
        .opened, .connecting, .established, closed, .released, .failed(search: 1, range: nil),
    ]

    /// Failures have lines of their own, and nobody asks when the search for a port was over.
    static let choices: [(EventChoice.Level, [Change.Kind])] = [
        (.all, [.opened, .established, closed, .released]),
        (.notable, [.established, closed]),
        (.failures, []),
    ]

    @Test(arguments: choices)
    func levelsChooseKinds(level: EventChoice.Level, expected: [Change.Kind]) {
        var choice = EventChoice(level)
        #expect(Self.kinds.filter { choice.wants($0) } == expected)
    }

    @Test func ticksAreAlwaysWantedInJSON() {
        let levels = EventChoice.Level.allCases
        #expect(levels.filter { EventChoice($0).wantsTicks(always: true) } == [.all, .notable])
    }

    @Test(arguments: [(.all, 1000), (.failures, 0)] as [(EventChoice.Level, Int)])
    func onlyNotableRollsUp(level: EventChoice.Level, expected: Int) {
        var choice = EventChoice(level)
        #expect(choice.told(of: 1000, .established) == expected)
        #expect(!choice.isRolledUp && !choice.wantsTicks(always: false))
        choice.tick()
        #expect(choice.told(of: 1000, .established) == expected)
    }

    @Test func whatCanBeReadIsNotRolledUp() {
        var choice = EventChoice(.notable)
        for _ in 0..<5 {
            #expect(choice.told(of: 20, .established) == 20)
            #expect(!choice.isRolledUp && !choice.wantsTicks(always: false))
            choice.tick()
        }
    }

    @Test func rollsUpInTheSecondThatIsTooBusy() {
        var choice = EventChoice(.notable)
        #expect(choice.told(of: 50, .established) == 20)
        #expect(choice.isRolledUp && choice.wantsTicks(always: false))
    }

    @Test func comesBackAfterAQuietSecond() {
        var choice = EventChoice(.notable)
        #expect(choice.told(of: 21, .established) == 20)
        choice.tick()
        // No line yet, though this second is quiet: the one before was not.
        #expect(choice.told(of: 1, .established) == 0)
        #expect(choice.wantsTicks(always: false))
        choice.tick()
        #expect(choice.told(of: 1, .established) == 1)
        #expect(!choice.wantsTicks(always: false))
    }

    @Test func staysRolledUpWhileItIsBusy() {
        var choice = EventChoice(.notable)
        var told: [Int] = []
        for _ in 0..<4 {
            told.append(choice.told(of: 40, Self.closed))
            #expect(choice.wantsTicks(always: false))
            choice.tick()
        }
        #expect(told == [20, 0, 0, 0])
    }

    /// Neither has a line, so neither takes up anything of what can be read.
    @Test func opensAndReleasesDoNotCount() {
        var choice = EventChoice(.notable)
        #expect(choice.told(of: 100, .opened) == 0)
        #expect(choice.told(of: 100, .released) == 0)
        #expect(choice.told(of: 20, .established) == 20)
        #expect(!choice.isRolledUp)
    }
}

extension EventChoice {
    /// How many of `count` such changes get a line.
    fileprivate mutating func told(of count: Int, _ kind: Change.Kind) -> Int {
        var told = 0
        for _ in 0..<count where wants(kind) { told += 1 }
        return told
    }
}
