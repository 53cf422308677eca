import PortModel
import Testing

@testable import Events
@testable import Report

/// The device that a socket is bound to, as text and as JSON.
@Suite struct DeviceTests {
    private static func tuple(_ tuple: Tuple, _ device: UInt32) -> Tuple {
        var tuple = tuple
        tuple.device = device
        return tuple
    }

    private static var context: RenderContext {
        var context = Sample.context
        let netns = Sample.tuple.netns
        context.deviceNames[NetworkDevice(netns: netns, index: 2)] = "eth0"
        context.deviceNames[NetworkDevice(netns: netns, index: 3)] = "a\u{1b}[m"
        return context
    }

    @Test(arguments: [
        (Self.tuple(Sample.tuple, 0), "10.0.0.1:43210 → 10.0.0.9:80"),
        (Self.tuple(Sample.tuple, 2), "10.0.0.1%eth0:43210 → 10.0.0.9:80"),
        (Self.tuple(Sample.tuple, 3), #"10.0.0.1%a\x1b[m:43210 → 10.0.0.9:80"#),
        (Self.tuple(Sample.tuple, 9), "10.0.0.1%9:43210 → 10.0.0.9:80"),
        (Self.tuple(Sample.tupleV6, 7), "[2001:db8::1%7]:43210 → [2001:db8::9]:443"),
    ]) func asText(tuple: Tuple, expected: String) {
        var text = TextBuffer()
        text.appendInterpolation(tuple, localPort: 43_210, Self.context)
        #expect(String(text) == expected)
    }

    /// What is read has its name, and devices of two namespaces are apart.
    @Test func asJSON() throws {
        var reader = JSONReader()
        var tuples: [Tuple] = []
        for tuple in [
            Self.tuple(Sample.tuple, 2), Self.tuple(Sample.tupleV6, 2), Sample.tuple,
            Self.tuple(Sample.tuple, 2),
        ] {
            let event = Event.connection(Sample.change(.established, tuple: tuple))
            let line = Sample.json(event, in: Self.context)
            #expect(line.contains(#""device":""#) == (tuple.device != 0))
            guard
                case .event(.connection(let change), _) = reader.read(
                    Array(line.utf8)[...].dropLast())
            else { throw Unreadable() }
            tuples.append(change.tuple)
        }
        #expect(tuples[0] == tuples[3] && tuples[0] != tuples[2])
        #expect(tuples[2].device == 0)
        let names = tuples.prefix(2).map { $0.networkDevice.flatMap { reader.deviceNames[$0] } }
        #expect(names == ["eth0", "2"])
    }

    private struct Unreadable: Error {}
}
