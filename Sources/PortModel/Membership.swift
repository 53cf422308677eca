extension PortRange {
    package func contains(_ port: UInt16) -> Bool { low <= port && port <= high }
}

extension PortSet {
    package func contains(_ port: UInt16) -> Bool {
        words[Int(port) >> 6] >> UInt64(port & 63) & 1 == 1
    }

    package func union(_ other: PortSet) -> PortSet {
        var union = [UInt64](repeating: 0, count: 1024)
        for index in union.indices { union[index] = words[index] | other.words[index] }
        return PortSet(words: union) ?? self
    }
}

extension IPAddress {
    /// 127.0.0.0/8 and ::1.
    package var isLoopback: Bool {
        isV4 ? low >> 24 & 0xff == 127 : high == 0 && low == 1
    }
}
