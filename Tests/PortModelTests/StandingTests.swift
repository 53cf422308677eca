import PortModel
import Testing

@Suite struct StandingTests {
    struct Case: Sendable {
        var standing: Standing
        var available: Int
        var used: Int
        var share: Double
    }

    static let cases = [
        Case(standing: Standing(usable: 8), available: 8, used: 0, share: 0),
        Case(standing: Standing(held: 8, timeWait: 3, usable: 8), available: 0, used: 8, share: 1),
        Case(
            standing: Standing(held: 8, timeWait: 3, reusable: 2, usable: 8), available: 2, used: 6,
            share: 0.75),
        // Two of them were bound by the program, and take none of what connect() chooses from.
        Case(
            standing: Standing(held: 6, elsewhere: 2, usable: 8), available: 4, used: 4, share: 0.5),
        Case(
            standing: Standing(held: 8, elsewhere: 8, usable: 0), available: 0, used: 0,
            share: .infinity),
        Case(standing: Standing(usable: 0), available: 0, used: 0, share: .infinity),
        // The range was narrowed.
        Case(standing: Standing(held: 20, usable: 8), available: 0, used: 8, share: 1),
        Case(
            standing: Standing(held: 20, timeWait: 20, reusable: 15, usable: 8), available: 3,
            used: 5, share: 0.625),
    ]

    @Test(arguments: cases.indices) func addsUp(index: Int) {
        let expected = Self.cases[index]
        #expect(expected.standing.available == expected.available)
        #expect(expected.standing.used == expected.used)
        #expect(expected.standing.share == expected.share)
    }
}
