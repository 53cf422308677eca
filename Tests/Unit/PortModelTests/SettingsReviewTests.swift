import TestSupport
import Testing

@testable import PortModel

@Suite struct SettingsReviewTests {
    private typealias Topic = SettingsReview.Topic

    private static let loopback = IPAddress(v4: 0x7f00_0001)
    private static let here = IPAddress(v4: 0x0a00_0001)
    private static let there = IPAddress(v4: 0x0a00_0009)
    private static let nginx = ProcessID(pid: 77, name: ProcessID.Name("nginx"))
    private static let kubelet = ProcessID(pid: 5, name: ProcessID.Name("kubelet"))

    private func settings(
        _ low: UInt16 = 32768, _ high: UInt16 = 60999, reserved: String = "", reuse: UInt8 = 1,
        timestamps: Bool = true, delay: UInt32 = 1000, limit: UInt32 = 262_144
    ) throws -> NetworkSettings {
        let pool = PortPool(
            range: PortRange(low: low, high: high), reserved: try #require(PortSet(list: reserved)))
        let rules = TimeWaitRules(
            reuse: reuse, reuseDelay: delay, timestamps: timestamps, limit: limit)
        return NetworkSettings(namespace: Namespace(inode: 1, pool: pool, timeWait: rules))
    }

    private func review(
        _ settings: NetworkSettings, _ sockets: [KernelSocket]? = [],
        owners: [UInt32: ProcessID] = [:], kubernetes: ProcessID? = nil
    ) -> SettingsReview {
        SettingsReview(
            settings,
            SettingsReview.Inventory(sockets: sockets, owners: owners, kubernetes: kubernetes))
    }

    private func listener(
        _ port: UInt16, _ address: IPAddress = IPAddress(v4: 0), inode: UInt32 = 0
    ) -> KernelSocket {
        KernelSocket(state: .listen, local: address, localPort: port, inode: inode)
    }

    private func bound(_ port: UInt16) -> KernelSocket {
        KernelSocket(state: .bound, local: Self.here, localPort: port)
    }

    private func timeWait(
        _ port: UInt16, from local: IPAddress = here, to remote: IPAddress = there,
        state: KernelSocket.State = .timeWait
    ) -> KernelSocket {
        KernelSocket(
            state: state, timer: 3, local: local, localPort: port, remote: remote, remotePort: 443)
    }

    private func connection(
        _ port: UInt16, _ state: KernelSocket.State = .established,
        from local: IPAddress = here, to remote: IPAddress = there
    ) -> KernelSocket {
        KernelSocket(
            state: state, local: local, localPort: port, remote: remote, remotePort: 443)
    }

    private func verdict(_ review: SettingsReview, _ isMeant: (Topic) -> Bool)
        -> SettingsReview.Verdict?
    {
        review.findings.first { isMeant($0.topic) }?.verdict
    }

    private func range(
        _ review: SettingsReview
    ) -> (verdict: SettingsReview.Verdict, usable: Int, wider: SettingsReview.Wider?)? {
        for finding in review.findings {
            if case .range(_, let usable, let wider) = finding.topic {
                return (finding.verdict, usable, wider)
            }
        }
        return nil
    }

    /// All that is said of a host as the kernel makes it, with no connection.
    @Test func defaults() throws {
        let review = review(try settings(reuse: 2))
        let range = PortRange(low: 32768, high: 60999)
        let wider = SettingsReview.Wider(
            range: PortRange(low: 10000, high: 65535), gain: 27_304, percent: 97)
        let expected: [(SettingsReview.Verdict, Topic)] = [
            (.note, .range(range, usable: 28_232, wider: wider)),
            (.note, .notDynamic(16_384)),
            (.note, .rate(perSecond: 28_232 / 60, usable: 28_232, withReuse: nil)),
            (.ok, .reuse(2, SettingsReview.LeftOut(), delay: 1000, timestamps: true)),
            (.ok, .maxTimeWaits(262_144, range: 28_232, now: 0)),
        ]
        #expect(review.findings.map(\.topic) == expected.map(\.1))
        #expect(review.findings.map(\.verdict) == expected.map(\.0))
        #expect(!review.hurts && review.reservation == nil)
    }

    // MARK: Ports

    @Test func usablePortsAndWhatAWiderRangeAdds() throws {
        let narrow = range(review(try settings(40000, 40063)))
        #expect(narrow?.verdict == .hurts && narrow?.usable == 64)
        #expect(narrow?.wider?.gain == 55_472 && narrow?.wider?.percent == 86_675)

        let all = range(review(try settings(10000, 65535)))
        #expect(all?.verdict == .ok && all?.usable == 55_536 && all?.wider == nil)
        let more = range(review(try settings(1024, 65535)))
        #expect(more?.verdict == .ok && more?.wider == nil)

        // Reserved and held ports count once, and are missing from the wider range, too.
        let taken = range(
            review(
                try settings(40000, 40009, reserved: "20000,40000-40003"),
                [listener(40003), listener(40004), listener(20001), bound(40005), bound(70)]))
        #expect(taken?.usable == 4)
        #expect(taken?.wider?.gain == 55_536 - 4 - 8)

        let none = range(review(try settings(40000, 40001, reserved: "40000-40001")))
        #expect(none?.verdict == .hurts && none?.usable == 0 && none?.wider?.percent == nil)
    }

    @Test(arguments: [("50000-50002", SettingsReview.Verdict.note), ("50000-53000", .hurts)])
    func reservedPorts(list: String, expected: SettingsReview.Verdict) throws {
        let review = review(try settings(reserved: list))
        #expect(verdict(review) { if case .reserved = $0 { true } else { false } } == expected)
        let outside = self.review(try settings(reserved: "80,10000-20000"))
        #expect(!outside.findings.contains { if case .reserved = $0.topic { true } else { false } })
    }

    @Test func listenersInTheRange() throws {
        let sockets = [
            listener(50001, inode: 9), listener(40001), listener(40001), listener(80),
            listener(50002),
        ]
        let review = review(try settings(reserved: "50002"), sockets, owners: [9: Self.nginx])
        let holders = [
            SettingsReview.Holder(address: IPAddress(v4: 0), port: 40001, process: .unknown),
            SettingsReview.Holder(address: IPAddress(v4: 0), port: 50001, process: Self.nginx),
        ]
        #expect(verdict(review) { $0 == .listeners(holders) } == .note)
        // Also what lies in the wider range only, but no service below it.
        #expect(review.reservation?.list == "40001,50001-50002")
        let wider = self.review(try settings(), [listener(20000), listener(80)])
        #expect(wider.reservation?.list == "20000")
        #expect(!wider.findings.contains { if case .listeners = $0.topic { true } else { false } })
    }

    @Test func aTenthOfTheRangeHurts() throws {
        for (ports, expected) in [(9, SettingsReview.Verdict.note), (10, .hurts)] {
            let sockets = (0..<ports).map { bound(40000 + UInt16($0)) }
            let review = review(try settings(40000, 40099), sockets)
            #expect(verdict(review) { if case .bound = $0 { true } else { false } } == expected)
        }
    }

    @Test func nodePorts() throws {
        let apart = review(try settings(), kubernetes: Self.kubelet)
        #expect(!apart.findings.contains { if case .nodePorts = $0.topic { true } else { false } })
        // The wider range would have them reserved.
        #expect(range(apart)?.wider?.gain == 27_304 - 2768)
        #expect(apart.reservation?.list == "30000-32767")

        let shared = review(try settings(32000, 60999), kubernetes: Self.kubelet)
        #expect(verdict(shared) { $0 == .nodePorts(768, Self.kubelet) } == .hurts)
        let alone = review(try settings(32000, 60999))
        #expect(!alone.findings.contains { if case .nodePorts = $0.topic { true } else { false } })
        let reserved = review(
            try settings(1024, 65535, reserved: "30000-32767"), kubernetes: Self.kubelet)
        #expect(
            !reserved.findings.contains { if case .nodePorts = $0.topic { true } else { false } })
        #expect(reserved.reservation == nil)
    }

    @Test(
        arguments: [
            (49152, 65535, nil), (49151, 65535, 1), (50000, 50001, nil), (1024, 2047, 1024),
        ] as [(UInt16, UInt16, Int?)])
    func dynamicPorts(low: UInt16, high: UInt16, outside: Int?) throws {
        let review = review(try settings(low, high))
        let counts = review.findings.compactMap { finding -> Int? in
            if case .notDynamic(let count) = finding.topic { return count }
            return nil
        }
        #expect(counts.first == outside)
    }

    @Test(
        arguments: [
            (1, true, 1000, 28_232), (1, true, 500, 56_464), (1, true, 0, nil),
            (1, false, 1000, nil),
            (2, true, 1000, nil), (0, true, 1000, nil),
        ] as [(UInt8, Bool, UInt32, Double?)])
    func rates(reuse: UInt8, timestamps: Bool, delay: UInt32, withReuse: Double?) throws {
        let review = review(try settings(reuse: reuse, timestamps: timestamps, delay: delay))
        let topic = Topic.rate(perSecond: 28_232 / 60, usable: 28_232, withReuse: withReuse)
        #expect(verdict(review) { $0 == topic } == .note)
    }

    // MARK: TIME_WAITs

    @Test func reuseWithoutTimestamps() throws {
        for (reuse, expected) in [(1, .hurts), (2, .note)] as [(UInt8, SettingsReview.Verdict)] {
            let review = review(try settings(reuse: reuse, timestamps: false))
            #expect(verdict(review) { $0 == .reuseWithoutTimestamps(reuse: reuse) } == expected)
        }
        let off = review(try settings(reuse: 0, timestamps: false))
        #expect(verdict(off) { $0 == .reuseWithoutTimestamps(reuse: 0) } == nil)
        let on = review(try settings(delay: 7), [timeWait(40000)])
        #expect(verdict(on) { $0 == .reuseOn(delay: 7) } == .ok)
        #expect(on.findings.count == 5)
    }

    private func leftOut(
        _ reuse: UInt8, _ sockets: [KernelSocket], _ low: UInt16 = 40000, _ high: UInt16 = 40099
    ) throws -> (verdict: SettingsReview.Verdict, leftOut: SettingsReview.LeftOut)? {
        for finding in review(try settings(low, high, reuse: reuse), sockets).findings {
            if case .reuse(reuse, let leftOut, _, _) = finding.topic {
                return (finding.verdict, leftOut)
            }
        }
        return nil
    }

    @Test func whatReuseLeavesOut() throws {
        let mappedLoopback = IPAddress(v4: 0x7fff_0001)
        let v6Loopback = IPAddress(high: 0, low: 1)
        let sockets = [
            // These count for 0 and 2.
            timeWait(40001), timeWait(40002), timeWait(40001, to: Self.here),
            connection(40003), connection(40004, .synSent), connection(40005, .closeWait),
            // A parked FIN_WAIT2 is never used again, but may become a TIME_WAIT.
            timeWait(40006, state: .finWait2),
            // These for 0.
            timeWait(40007, from: Self.loopback, to: Self.loopback),
            timeWait(40008, from: Self.here, to: mappedLoopback),
            timeWait(40009, from: v6Loopback, to: v6Loopback),
            connection(40010, from: Self.loopback, to: Self.here),
            // These for neither: not from the range, to a listener of this host, or no connection.
            timeWait(443), connection(50000), listener(40020), timeWait(40020), connection(40020),
            bound(40021), connection(40022, .synReceived), connection(40023, .newSynReceived),
        ]
        let two = try leftOut(2, sockets)?.leftOut
        #expect(two?.timeWaits == 3 && two?.connections == 4)
        #expect(
            two?.fullest
                == Tuple(netns: 1, local: Self.here, remote: Self.there, remotePort: 443))
        #expect(two?.fullestCount == 2)
        let none = try leftOut(0, sockets)?.leftOut
        #expect(none?.timeWaits == 6 && none?.connections == 5)
    }

    @Test func aTenthOfATupleInTimeWaitHurts() throws {
        let waits = (0..<10).map { timeWait(40000 + UInt16($0)) }
        #expect(try leftOut(2, waits)?.verdict == .hurts)
        #expect(try leftOut(2, Array(waits.dropLast()))?.verdict == .note)
        #expect(try leftOut(2, [])?.verdict == .ok)
        #expect(try leftOut(2, [connection(40000)])?.verdict == .note)
        // Ten tuples with one each.
        let spread = (0..<10).map { timeWait(40000, to: IPAddress(v4: 0x0a00_0100 + $0)) }
        #expect(try leftOut(2, spread)?.verdict == .note)
    }

    @Test(arguments: [(59, true), (60, false), (120, false)] as [(UInt32, Bool)])
    func finTimeout(seconds: UInt32, told: Bool) throws {
        var settings = try settings()
        settings.finTimeout = seconds
        let verdict = verdict(review(settings)) { $0 == .finTimeout(seconds) }
        #expect(verdict == (told ? .note : nil))
    }

    @Test(
        arguments: [
            (28_231, SettingsReview.Verdict.hurts), (28_232, .ok), (0, .hurts),
        ] as [(UInt32, SettingsReview.Verdict)])
    func maxTimeWaits(limit: UInt32, expected: SettingsReview.Verdict) throws {
        let sockets = [timeWait(1), timeWait(2, state: .finWait2), connection(3, .finWait2)]
        let review = review(try settings(limit: limit), sockets)
        #expect(verdict(review) { $0 == .maxTimeWaits(limit, range: 28_232, now: 2) } == expected)
    }

    @Test func recycle() throws {
        for (value, expected) in [(true, SettingsReview.Verdict.hurts), (false, nil), (nil, nil)] {
            var settings = try settings()
            settings.recycles = value
            #expect(verdict(review(settings)) { $0 == .recycle } == expected)
        }
    }

    /// Without the list of sockets, what the settings alone say.
    @Test func socketsThatCannotBeListed() throws {
        let review = review(try settings(reuse: 2), nil)
        #expect(verdict(review) { $0 == .maxTimeWaits(262_144, range: 28_232, now: nil) } == .ok)
        #expect(review.findings.count == 5)
    }

    /// Any settings, any sockets: nothing traps.
    @Test(arguments: SeededGenerator.seeds(8)) func anything(seed: UInt64) throws {
        var random = SeededGenerator(state: seed)
        for _ in 0..<100 {
            func port() -> UInt16 {
                random.chance(4)
                    ? [0, .max].randomElement(using: &random)!
                    : .random(
                        in: 0...(.max), using: &random)
            }
            var reserved = PortSet()
            for _ in 0..<3 { reserved.insert(port()) }
            // Also one that ends before it begins.
            let pool = PortPool(range: PortRange(low: port(), high: port()), reserved: reserved)
            let rules = TimeWaitRules(
                reuse: .random(in: 0...3, using: &random),
                reuseDelay: random.chance(3) ? 0 : .random(in: 0...(.max), using: &random),
                timestamps: random.chance(2), limit: .random(in: 0...(.max), using: &random))
            let settings = NetworkSettings(
                namespace: Namespace(inode: 1, pool: pool, timeWait: rules),
                finTimeout: .random(in: 0...(.max), using: &random), recycles: random.chance(2))
            let sockets = (0..<50).map { _ in
                KernelSocket(
                    state: KernelSocket.State(rawValue: .random(in: 1...13, using: &random))
                        ?? .timeWait,
                    timer: .random(in: 0...4, using: &random),
                    local: IPAddress(high: 0, low: random.next()), localPort: port(),
                    remote: IPAddress(v4: .random(in: 0...(.max), using: &random)),
                    remotePort: port())
            }
            let review = review(
                settings, random.chance(5) ? nil : sockets,
                kubernetes: random.chance(2) ? Self.kubelet : nil)
            #expect(review.findings.count >= 3)
            let usable = try #require(range(review)).usable
            #expect((0...65536).contains(usable))
        }
    }
}
