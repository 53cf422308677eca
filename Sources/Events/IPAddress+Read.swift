import PortModel

extension IPAddress {
    /// Reads what events have: IPv4 dotted, IPv6 in groups, of which one run of zeros may be `::`.
    package init?(text: ArraySlice<UInt8>) {
        if text.contains(UInt8(ascii: ":")) {
            self.init(groups: text)
            return
        }
        var value: UInt32 = 0
        var parts = 0
        var part: UInt32?
        for byte in text {
            if byte == UInt8(ascii: ".") {
                guard let whole = part, parts < 3 else { return nil }
                value = value << 8 | whole
                (parts, part) = (parts + 1, nil)
                continue
            }
            let digit = UInt32(byte &- UInt8(ascii: "0"))
            let next = (part ?? 0) * 10 + digit
            guard digit < 10, next < 256 else { return nil }
            part = next
        }
        guard parts == 3, let last = part else { return nil }
        self.init(v4: value << 8 | last)
    }

    private init?(groups text: ArraySlice<UInt8>) {
        let colon = UInt8(ascii: ":")
        let isGap = { (place: Int) in text[place] == colon && text[place - 1] == colon }
        var groups: [UInt16]
        if let gap = text.indices.dropFirst().first(where: isGap) {
            guard let head = Self.groups(text[..<(gap - 1)]),
                let tail = Self.groups(text[(gap + 1)...]), head.count + tail.count < 8
            else { return nil }
            let zeros = [UInt16](repeating: 0, count: 8 - head.count - tail.count)
            groups = head + zeros + tail
        } else {
            guard let all = Self.groups(text), all.count == 8 else { return nil }
            groups = all
        }
        func half(_ groups: ArraySlice<UInt16>) -> UInt64 {
            groups.reduce(0) { $0 << 16 | UInt64($1) }
        }
        self.init(high: half(groups[..<4]), low: half(groups[4...]))
    }

    /// Hexadecimal numbers with a colon between; none in an empty text.
    private static func groups(_ text: ArraySlice<UInt8>) -> [UInt16]? {
        if text.isEmpty { return [] }
        var groups: [UInt16] = []
        for part in text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false) {
            var group: UInt32 = 0
            for byte in part {
                guard let digit = JSONParser.hexDigit(byte) else { return nil }
                group = group << 4 | UInt32(digit)
                guard group < 1 << 16 else { return nil }
            }
            guard !part.isEmpty else { return nil }
            groups.append(UInt16(group))
        }
        return groups
    }
}
