import PortModel

/// Words of the domain.
extension EventReader {
    mutating func address(
        _ name: StaticString, in object: Node
    ) throws(Unreadable) -> IPAddress {
        let node = try node(name, in: object, .string)
        guard let address = IPAddress(text: document.text[document.bytes(of: node)]) else {
            throw Unreadable()
        }
        return address
    }

    mutating func tuple(in object: Node) throws(Unreadable) -> Tuple {
        Tuple(
            netns: try netns(in: object), local: try address("local", in: object),
            remote: try address("remote", in: object),
            remotePort: UInt16(try int("remote_port", in: object, to: 65_535)))
    }

    mutating func bindPool(in object: Node) throws(Unreadable) -> BindPool.Key {
        BindPool.Key(netns: try netns(in: object), local: try address("local", in: object))
    }

    /// A tuple, or what has no peer.
    mutating func scope(in object: Node) throws(Unreadable) -> PortScope {
        optional("remote", in: object) == nil
            ? .bindPool(try bindPool(in: object)) : .tuple(try tuple(in: object))
    }

    mutating func process(in object: Node) throws(Unreadable) -> ProcessID {
        var process = ProcessID.unknown
        if let pid = try optionalInt("pid", in: object, to: Int(UInt32.max)) {
            process.pid = UInt32(pid)
        }
        if let name = optional("comm", in: object) {
            process.name = ProcessID.Name(try string(name))
        }
        return process
    }

    /// - Parameter held: where it does not stand beside the others.
    mutating func usage(
        in object: Node, held: Int? = nil
    ) throws(Unreadable) -> PortUsage {
        var usage = PortUsage(usable: 0)
        usage.held = if let held { held } else { try int("held", in: object) }
        usage.timeWait = try optionalInt("time_wait", in: object) ?? 0
        usage.reusable = try optionalInt("reusable", in: object) ?? 0
        usage.usable = try int("usable", in: object)
        let available = try optionalInt("available", in: object)
        if let available {
            usage.outsidePool = max(
                0, available - usage.usable + usage.held - usage.reusable)
        }
        return usage
    }

    mutating func range(
        _ name: StaticString = "range", in object: Node
    ) throws(Unreadable) -> PortRange {
        let ends = try array(name, in: object) { reader, node throws(Unreadable) in
            UInt16(try reader.int(node, to: 65_535))
        }
        guard ends.count == 2 else { throw Unreadable() }
        return PortRange(low: ends[0], high: ends[1])
    }

    /// A tick.
    mutating func second() throws(Unreadable) -> RunCollector.Second {
        let root = Self.root
        let tuple = try tuple(in: root)
        let usage = try usage(in: root)
        var since = TupleState.Totals()
        since.opened = try int("opened", in: root, from: -Self.greatest)
        since.closed = try int("closed", in: root)
        since.failed = try int("failed", in: root)
        let search = try optionalInt("search_us", in: root) ?? 0
        return RunCollector.Second(
            tuple: tuple, usage: usage, since: since, search: UInt64(search) * 1000)
    }

    /// What a report has of an alert.
    mutating func alert(at time: UInt64) throws(Unreadable) -> Alert {
        let root = Self.root
        let level = try int("level", in: root, to: 100)
        var alert = Alert(
            level: level, time: time, scope: try scope(in: root),
            usage: try usage(in: root))
        if let node = optional("forecast", in: root), document.kind(of: node) == .object {
            alert.forecast = Forecast(
                opensPerSecond: try double("rate", in: node),
                netPerSecond: try double("net_rate", in: node),
                exhaustedIn: try optionalDouble("exhausted_in_s", in: node),
                levelsOffAt: try optionalInt("levels_off_at", in: node),
                usable: alert.usage.usable,
                sustainable: try optionalDouble("sustainable_rate", in: node),
                intoTimeWait: try optionalDouble("into_time_wait", in: node))
        }
        return alert
    }

    /// A connect() or bind(), without the port that it named.
    mutating func failedCall(in object: Node) throws(Unreadable) -> FailedCall {
        guard let kind = FailedCall.Kind(rawValue: try string("call", in: object)),
            let cause = Cause(rawValue: try string("cause", in: object))
        else { throw Unreadable() }
        let scope: PortScope =
            switch kind {
            case .connect: .tuple(try tuple(in: object))
            case .bind: .bindPool(try bindPool(in: object))
            }
        return FailedCall(scope: scope, process: try process(in: object), cause: cause)
    }
}
