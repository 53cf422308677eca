/// Comparing the ledger with the kernel's table: seed, audit and repair.
extension Ledger {
    /// Marks from now on what is met, and remembers what ends: the kernel may still show it.
    package mutating func beginScan(for purpose: TableScan.Purpose, at now: UInt64) {
        connections.beginScan()
        scan = TableScan(purpose: purpose, since: now)
    }

    /// Call it when all records from before the end of the scan have been folded in.
    ///
    /// - Parameters:
    ///   - namespaces: the ones that were read to their end.
    ///   - gone: the ones that are no longer there. What is left of them is dropped, but is no drift:
    ///     the kernel may have orphans there that nobody can look at.
    package mutating func endScan(
        of namespaces: Set<UInt32>, gone: Set<UInt32> = []
    ) -> AuditResult {
        resolveDoubts()
        explain()
        sweep(namespaces.union(gone))
        if let scan, scan.purpose == .audit {
            for place in tuples.places where namespaces.contains(tuples[place].tuple.netns) {
                connections.tuples[place].heldBy = scan.holding[place] ?? [:]
            }
        }
        for refusal in scan?.refusals ?? [] { failures.add(refusal, &connections, &pools) }
        var result = scan?.result ?? AuditResult()
        scan = nil
        result.drift = result.drift.filter { place, ports in
            ports != 0 && !gone.contains(tuples[place].tuple.netns)
        }
        return result
    }

    // MARK: Audit

    /// Compares one connection of the kernel's table of a namespace, during an audit.
    package mutating func compare(_ listed: TableEntry, in netns: UInt32) {
        guard listed.socket != 0, let place = connections.find(listed.socket) else {
            if listed.origin == .client || connections.find(listed.cookie) != nil {
                scan?.unexplained.append(listed)
            } else if listed.origin == .either {
                scan?.doubtful[netns, default: []].append(listed)
            }
            return
        }
        connections[place].mark = connections.mark
        if let holding = listed.holding {
            scan?.holding[connections[place].tuple, default: [:]][holding, default: 0] += 1
        }
        if connections[place].localPort == 0 { connections[place].localPort = listed.localPort }
        defer { connections.assess(place) }
        guard listed.state != .timeWait else { return }
        // The kernel lists no socket without a port.
        if connections[place].phase == .searching {
            connections.confirm(connections[place], at: connections[place].openedAt)
            connections[place].phase = .connecting
        }
        if listed.state == .established, connections[place].phase == .connecting {
            scan?.unexplained.append(listed)
        }
    }

    /// Decides about sockets that do not tell who connected, by what all of them tell together.
    private mutating func resolveDoubts() {
        guard let scan, !scan.doubtful.isEmpty || !scan.doubtfulConnections.isEmpty else { return }
        var evidence: [UInt32: OriginEvidence] = [:]
        for (netns, entries) in scan.doubtful {
            for entry in entries {
                evidence[netns, default: OriginEvidence()]
                    .add(localPort: entry.localPort, remotePort: entry.remotePort)
            }
        }
        for (connection, _) in scan.doubtfulConnections.values {
            evidence[connection.tuple.netns, default: OriginEvidence()]
                .add(localPort: connection.localPort, remotePort: connection.tuple.remotePort)
        }
        // Whom others connect to as well is no client.
        var clients: [UInt32: [UInt16: Int]] = [:]
        for state in tuples where evidence[state.tuple.netns] != nil {
            clients[state.tuple.netns, default: [:]][state.tuple.remotePort, default: 0] +=
                state.held
        }
        func origin(_ port: UInt16, _ remotePort: UInt16, in netns: UInt32) -> Origin {
            guard let range = namespaces[netns]?.pool.range, let evidence = evidence[netns] else {
                return .either
            }
            return evidence.origin(
                localPort: port, remotePort: remotePort,
                clients: clients[netns]?[remotePort] ?? 0, range: range)
        }
        for (netns, entries) in scan.doubtful {
            for var entry in entries {
                entry.origin = origin(entry.localPort, entry.remotePort, in: netns)
                if entry.origin == .client { self.scan?.unexplained.append(entry) }
                if entry.origin == .either { self.scan?.result.uncertain[netns, default: 0] += 1 }
            }
        }
        for (var connection, state) in scan.doubtfulConnections.values {
            let netns = connection.tuple.netns
            switch origin(connection.localPort, connection.tuple.remotePort, in: netns) {
            case .server: break
            case .either: self.scan?.result.uncertain[netns, default: 0] += 1
            case .client:
                connection.isUncertain = false
                if let change = find(connection, in: state) { overdue.append(change) }
            }
        }
    }

    /// Makes up for transitions that no record has reported since.
    private mutating func explain() {
        guard let scan else { return }
        for listed in scan.unexplained {
            var change: Change?
            if let place = connections.find(listed.socket) {
                guard listed.state == .established, connections[place].phase == .connecting else {
                    continue
                }
                change = establish(listed.socket, port: listed.localPort, at: scan.since)
            } else if scan.ended[listed.socket] != nil {
                continue
            } else if listed.state == .timeWait, listed.socket != 0,
                let place = connections.find(listed.cookie), mayBe(place, port: listed.localPort)
            {
                change = wait(
                    from: listed.cookie, as: listed.socket, reusable: false,
                    port: listed.localPort, at: scan.since)
            }
            if let change {
                overdue.append(change)
                self.scan?.result.unreported += 1
            } else if listed.origin == .client {
                self.scan?.result.missing += 1
            }
        }
    }

    private func mayBe(_ place: Connections.Place, port: UInt16) -> Bool {
        connections[place].localPort == 0 || connections[place].localPort == port
    }

    /// Drops what the kernel no longer has, and no record has spoken of since the scan began.
    private mutating func sweep(_ namespaces: Set<UInt32>) {
        guard let scan else { return }
        let isRepair = scan.purpose == .repair
        // A repair looks everywhere: a namespace that is closed, or was not described, is nowhere.
        let wasRead = tuples.byPlace { state in
            let netns = state.tuple.netns
            return namespaces.contains(netns) || isRepair && self.namespaces[netns] == nil
        }
        // A connect() in search of a port is not in the kernel's table, but not for so long.
        let searchesSince = scan.since &- min(scan.since, 1_000_000_000)
        let gone = connections.takeUnmet { entry in
            guard wasRead[entry.tuple] else { return false }
            switch entry.phase {
            case .searching: return entry.openedAt < searchesSince
            case .connecting where entry.localPort == 0: return entry.openedAt < searchesSince
            case .connecting, .established, .timeWait: return true
            case .releasePending: return false
            // Not in the table either; if anything was lost, so may be that it was closed.
            case .bound: return isRepair
            }
        }
        for socket in gone {
            guard let place = connections.find(socket) else { continue }
            let entry = connections.remove(at: place)
            guard entry.phase.holdsPort else {
                self.scan?.result.unreported += 1
                continue
            }
            self.scan?.result.drift[entry.tuple, default: 0] += 1
            var kind = Change.Kind.released
            if entry.phase != .timeWait {
                connections.tuples[entry.tuple].count(entry.isOther) { $0.closed += 1 }
                kind = .closed(timeWait: false, lived: entry.age(at: scan.since), error: nil)
            }
            overdue.append(connections.change(kind, entry, at: scan.since))
        }
    }

    // MARK: Seed and repair

    /// Enters a connection that a snapshot has found. A socket that connects again, after
    /// connect(AF_UNSPEC), has the cookie that the TIME_WAIT of its former connection has inherited.
    mutating func find(_ connection: Record.Connection, in state: Record.State) -> Change? {
        if let over = scan?.ended[connection.socket] {
            if over >= connection.time { return nil }
            // The same memory, a later TIME_WAIT.
            if let place = connections.find(connection.socket),
                connections[place].phase == .releasePending
            {
                drop(at: place, time: over)
            }
        }
        let isTimeWait = state == .timeWait
        if let place = connections.find(connection.socket), connections[place].phase != .bound {
            let known = connections[place]
            connections[place].mark = connections.mark
            guard isTimeWait else { return advance(place, to: connection, in: state) }
            if known.cookie == UInt32(truncatingIfNeeded: connection.cookie) { return nil }
            // The same memory again, and neither its end nor its new beginning was reported.
            scan?.result.drift[known.tuple, default: 0] += 1
            drop(at: place, time: connection.time)
        }
        if isTimeWait, let place = connections.find(connection.cookie),
            tuples[connections[place].tuple].tuple == connection.tuple,
            mayBe(place, port: connection.localPort)
        {
            scan?.result.unreported += 1
            return wait(
                from: connection.cookie, as: connection.socket, reusable: connection.reusable,
                port: connection.localPort, at: connection.time)
        }
        if state == .connecting, connection.localPort == 0 { return nil }
        if connection.isUncertain {
            scan?.doubtfulConnections[connection.socket] = (connection, state)
            return nil
        }
        if let bound = connections.find(connection.socket) { connections.remove(at: bound) }
        return enter(connection, in: state)
    }

    private mutating func enter(
        _ connection: Record.Connection, in state: Record.State
    ) -> Change? {
        let tuple = connections.tuple(of: connection, &timeWaits)
        connections.tuples[tuple].hold(
            at: connection.time, isOther: connection.isOther, timeWait: state == .timeWait)
        let phase: Entry.Phase =
            switch state {
            case .connecting: .connecting
            case .established: .established
            case .timeWait: .timeWait
            }
        let entry = Entry(
            openedAt: 0, process: connection.process, tuple: tuple, localPort: connection.localPort,
            phase: phase, mark: connections.mark, isOther: connection.isOther,
            cookie: connection.cookie)
        let place = connections.insert(entry, for: connection.socket)
        connections.assess(place)
        if connection.reusable {
            let age = min(connection.age, connection.time)
            timeWaits.begin(
                connection.socket, at: place, since: connection.time - age, &connections)
        }
        if connection.portChosen { pools.meet(connection) }
        let isRepair = scan?.purpose == .repair
        if isRepair || connection.process.pid != 0 {
            connections.tuples[tuple].add(
                connection.process, isOther: connection.isOther, opened: 1)
        }
        guard isRepair else { return nil }
        scan?.result.drift[tuple, default: 0] -= 1
        connections.tuples[tuple].count(connection.isOther) {
            $0.opened += 1
            if state == .timeWait { $0.closed += 1 }
        }
        return connections.change(
            state == .timeWait ? .closed(timeWait: true, lived: nil, error: nil) : .established,
            entry, at: connection.time)
    }

    /// A known connection may be further than the records have said.
    private mutating func advance(
        _ place: Connections.Place, to connection: Record.Connection, in state: Record.State
    ) -> Change? {
        let known = connections[place]
        guard known.phase.isAttempt, connection.localPort != 0 else { return nil }
        if known.phase == .searching { connections.confirm(known, at: connection.time) }
        connections[place].phase = .connecting
        connections[place].localPort = connection.localPort
        connections.assess(place)
        guard state == .established else { return nil }
        connections[place].phase = .established
        return connections.change(.established, connections[place], at: connection.time)
    }
}
