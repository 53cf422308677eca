import Testing

@testable import Events
@testable import PortModel
@testable import Report

@Suite struct ForecastTextTests {
    private static func forecast(
        opens: Double = 1012, net: Double = 1012, in exhausted: Double? = nil,
        level: Int? = nil, sustainable: Double? = 470.53, share: Double? = 1
    ) -> Forecast {
        Forecast(
            opensPerSecond: opens, netPerSecond: net, exhaustedIn: exhausted, levelsOffAt: level,
            usable: 28_232, sustainable: sustainable, intoTimeWait: share)
    }

    static let texts: [(Forecast, String)] = [
        (forecast(in: 13.8), "full in 14 s at 1,012 ports/s; sustainable: 471/s"),
        (forecast(in: 0.31), "full in 0.3 s at 1,012 ports/s; sustainable: 471/s"),
        (forecast(in: 0.001), "full in 0.1 s at 1,012 ports/s; sustainable: 471/s"),
        (forecast(in: 9.96), "full in 10 s at 1,012 ports/s; sustainable: 471/s"),
        (forecast(in: 119.6), "full in 2 min at 1,012 ports/s; sustainable: 471/s"),
        (forecast(in: 86_000), "full in 24 h at 1,012 ports/s; sustainable: 471/s"),
        (forecast(in: 0), "full; sustainable: 471/s"),
        (forecast(in: 14, sustainable: nil), "full in 14 s at 1,012 ports/s"),
        (forecast(in: 14, sustainable: 1500), "full in 14 s at 1,012 ports/s"),
        (forecast(net: 0.4, in: 70, sustainable: 1.07), "full in 70 s; sustainable: 1.1/s"),
        (forecast(net: 4.4, in: 14, sustainable: nil), "full in 14 s at 4.4 ports/s"),
        (forecast(net: 3, level: 12_400), "levels off at 12,400 of 28,232"),
        (forecast(net: -40), ""),
    ]

    @Test(arguments: texts) func sayNothingSuperfluous(forecast: Forecast, expected: String) {
        #expect(TextBuffer("\(forecast)").text == expected)
    }

    @Test func fieldsHaveOneDecimalOrAreAbsent() {
        let full = Self.forecast(in: 13.84, share: 0.25)
        #expect(
            TextBuffer.text { JSONWriter().write(full, to: &$0) }
                == #"{"rate":1012.0,"net_rate":1012.0,"exhausted_in_s":13.8,"#
                + #""sustainable_rate":470.5,"into_time_wait":0.3}"# + "\n")
        let unknown = Self.forecast(net: -3.26, level: 12_400, sustainable: nil, share: nil)
        #expect(
            TextBuffer.text { JSONWriter().write(unknown, to: &$0) }
                == #"{"rate":1012.0,"net_rate":-3.3,"levels_off_at":12400}"# + "\n")
    }
}
