import PortModel
import Testing

@Suite struct PortUsageTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var usage: PortUsage
        var available: Int
        var used: Int
        var share: Double

        var testDescription: String { "\(usage)" }
    }

    static let cases = [
        Case(usage: PortUsage(usable: 8), available: 8, used: 0, share: 0),
        Case(usage: PortUsage(held: 8, timeWait: 3, usable: 8), available: 0, used: 8, share: 1),
        Case(
            usage: PortUsage(held: 8, timeWait: 3, reusable: 2, usable: 8), available: 2, used: 6,
            share: 0.75),
        // Two of them were bound by the program, and take none of what connect() chooses from.
        Case(
            usage: PortUsage(held: 6, outsidePool: 2, usable: 8), available: 4, used: 4, share: 0.5),
        Case(
            usage: PortUsage(held: 8, outsidePool: 8, usable: 0), available: 0, used: 0,
            share: .infinity),
        Case(usage: PortUsage(usable: 0), available: 0, used: 0, share: .infinity),
        // The range was narrowed.
        Case(usage: PortUsage(held: 20, usable: 8), available: 0, used: 8, share: 1),
        Case(
            usage: PortUsage(held: 20, timeWait: 20, reusable: 15, usable: 8), available: 3,
            used: 5, share: 0.625),
    ]

    @Test(arguments: cases) func addsUp(_ expected: Case) {
        #expect(expected.usage.available == expected.available)
        #expect(expected.usage.used == expected.used)
        #expect(expected.usage.share == expected.share)
    }
}
