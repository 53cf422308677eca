import Foundation
import PortModel
import TestSupport
import Testing

@testable import Events
@testable import Report

@Suite struct AddressTests {
    /// What the C library makes of it.
    private func presentation(_ family: Int32, _ bytes: [UInt8]) -> String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        #expect(inet_ntop(family, bytes, &text, socklen_t(text.count)) != nil)
        return String(
            decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private func bytes(_ address: IPAddress) -> [UInt8] {
        [address.high, address.low].flatMap { half in
            (0..<8).map { UInt8(truncatingIfNeeded: half >> UInt64(56 - 8 * $0)) }
        }
    }

    private func text(_ address: IPAddress) -> String { TextBuffer.text { $0.append(address) } }

    @Test func v4IsDotted() {
        var generator = SeededGenerator(state: 4)
        let chosen: [UInt32] = [0, 1, .max, 0x7f00_0001, 0x0a00_0001, 0xc0a8_64c8]
        let random = (0..<500).map { _ in UInt32.random(in: 0 ... .max, using: &generator) }
        for value in chosen + random {
            let address = IPAddress(v4: value)
            #expect(text(address) == presentation(AF_INET, Array(bytes(address).suffix(4))))
        }
    }

    /// Each of the 256 ways to set groups to zero, which is what the short form depends on.
    @Test func v6IsWrittenAsRFC5952Says() {
        var generator = SeededGenerator(state: 6)
        var compared = 0
        for zeros in 0..<256 {
            for _ in 0..<4 {
                let address = address(zeros: zeros, using: &generator)
                guard !hasDottedForm(address) else { continue }
                #expect(text(address) == presentation(AF_INET6, bytes(address)))
                compared += 1
            }
        }
        #expect(compared > 1000)
    }

    private func address(zeros: Int, using generator: inout SeededGenerator) -> IPAddress {
        let groups = (0..<8).map { index in
            zeros >> index & 1 == 1
                ? 0
                : UInt64.random(in: 1...[0xf, 0xff, 0xfff, 0xffff][index & 3], using: &generator)
        }
        let halves = [groups[..<4], groups[4...]].map { $0.reduce(0) { $0 << 16 | $1 } }
        return IPAddress(high: halves[0], low: halves[1])
    }

    /// inet_ntop() writes the last two groups of these as IPv4.
    private func hasDottedForm(_ address: IPAddress) -> Bool {
        address.isV4 || address.high == 0 && address.low >> 32 == 0 && address.low >> 16 != 0
    }

    @Test(arguments: [
        (IPAddress(high: 0, low: 0), "::"),
        (IPAddress(high: 0, low: 1), "::1"),
        // Mapped: IPv4 is what is spoken.
        (IPAddress(high: 0, low: 0xffff_0102_0304), "1.2.3.4"),
        // The once compatible form means nothing any more, and is plain.
        (IPAddress(high: 0, low: 0x0102_0304), "::102:304"),
        (IPAddress(high: 1 << 48, low: 0), "1::"),
        (IPAddress(high: 0x2001_0db8_0000_0000, low: 9), "2001:db8::9"),
        // Of two runs the longer one, of equal ones the first, and never a single group.
        (IPAddress(high: 0x0001_0000_0000_0002, low: 3), "1:0:0:2::3"),
        (IPAddress(high: 0x0001_0000_0000_0002, low: 0x0003_0000_0000_0004), "1::2:3:0:0:4"),
        (IPAddress(high: 0x0001_0000_0002_0003, low: 0x0004_0005_0006_0007), "1:0:2:3:4:5:6:7"),
        (IPAddress(high: 0xfe80 << 48, low: 0xffff_ffff_ffff_ffff), "fe80::ffff:ffff:ffff:ffff"),
    ]) func v6AsWrittenByHand(address: IPAddress, expected: String) {
        #expect(text(address) == expected)
    }

    @Test func tuplesNameTheLocalPortOnceItIsKnown() {
        #expect(
            String("\(Sample.tuple, Sample.context)" as TextBuffer) == "10.0.0.1 → 10.0.0.9:80")
        #expect(
            String("\(Sample.tuple, localPort: 43_210, Sample.context)" as TextBuffer)
                == "10.0.0.1:43210 → 10.0.0.9:80")
        #expect(
            String("\(Sample.tupleV6, Sample.context)" as TextBuffer)
                == "[2001:db8::1] → [2001:db8::9]:443")
        #expect(
            String("\(Sample.tupleV6, localPort: 1, Sample.context)" as TextBuffer)
                == "[2001:db8::1]:1 → [2001:db8::9]:443")
    }
}
