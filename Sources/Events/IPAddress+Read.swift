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
        var groups: [UInt16] = []
        /// How many groups stand before `::`.
        var gap: Int?
        var group: UInt32?
        var place = text.startIndex
        while place < text.endIndex {
            let byte = text[place]
            place += 1
            if let digit = JSONParser.hexDigit(byte) {
                let next = (group ?? 0) << 4 | UInt32(digit)
                guard next < 1 << 16, groups.count < 8 else { return nil }
                group = next
                continue
            }
            guard byte == UInt8(ascii: ":") else { return nil }
            let begins = groups.isEmpty && group == nil && gap == nil
            if let whole = group {
                groups.append(UInt16(whole))
                group = nil
            } else if !begins {
                return nil
            }
            let isDouble = place < text.endIndex && text[place] == UInt8(ascii: ":")
            if isDouble {
                guard gap == nil else { return nil }
                gap = groups.count
                place += 1
            } else if begins || place == text.endIndex {
                return nil
            }
        }
        if let group { groups.append(UInt16(group)) }
        guard gap == nil ? groups.count == 8 : groups.count < 8 else { return nil }
        if let gap {
            groups.insert(contentsOf: [UInt16](repeating: 0, count: 8 - groups.count), at: gap)
        }
        let half = { (groups: ArraySlice<UInt16>) in
            groups.reduce(UInt64(0)) { $0 << 16 | UInt64($1) }
        }
        self.init(high: half(groups[..<4]), low: half(groups[4...]))
    }
}
