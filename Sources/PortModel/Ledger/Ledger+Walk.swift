/// One connection in the kernel's own table, as an audit reads it.
package struct TableEntry: Hashable, Sendable {
    /// The socket's cookie or, of a TIME_WAIT, that object's address; 0 if it never was watched.
    package var socket: UInt64
    /// Of a TIME_WAIT: the cookie it has inherited.
    package var cookie: UInt64
    package var localPort: UInt16
    package var state: Record.State
    /// Whether this end connected, beyond doubt.
    package var isCertain: Bool

    package init(
        socket: UInt64, cookie: UInt64 = 0, localPort: UInt16, state: Record.State,
        isCertain: Bool = true
    ) {
        self.socket = socket
        self.cookie = cookie
        self.localPort = localPort
        self.state = state
        self.isCertain = isCertain
    }
}

/// Holding the ledger against the kernel's table, while it changes: at the start to fill it (seed),
/// now and then to check it (audit), and after a loss to make it exact again (repair).
extension Ledger {
    package enum Purpose: Sendable {
        /// Existing connections are entered; nothing is known yet.
        case seed
        /// Sightings are compared.
        case audit
        /// As a seed, but what is entered or dropped now is a difference.
        case repair
    }

    struct Walk {
        let purpose: Purpose
        let since: UInt64
        /// What has ended since it began and may still turn up in it, and when.
        var ended: [UInt64: UInt64] = [:]
        /// Sightings that a record still unread may explain.
        var unexplained: [TableEntry] = []
    }

    /// What a walk has found that no connection under way explains, and has corrected.
    package struct Findings: Sendable {
        /// Ledger minus kernel, in ports held, by account; without those that agree.
        package var drift: [Int: Int] = [:]
        /// Connections in the kernel that the ledger lacks: only a repair can enter them.
        package var missing = 0
        /// Transitions that were not told and changed no count of held ports.
        package var untold = 0

        package init() {}
    }

    /// From now on, what is met or spoken of is known to be there, and what ends is remembered: the
    /// kernel may have gathered it before, and show it after.
    package mutating func beginWalk(for purpose: Purpose, at now: UInt64) {
        mark.toggle()
        walk = Walk(purpose: purpose, since: now)
        findings = Findings()
    }

    /// To be called when all records from before the end of the walk have been folded in.
    ///
    /// - Parameter namespaces: the ones that were walked to their end.
    /// - Parameter gone: the ones that are no longer there. What is left of them is dropped, but is no
    ///   drift: the kernel may have orphans there that nobody can look at.
    package mutating func endWalk(
        of namespaces: Set<UInt32>, gone: Set<UInt32> = []
    ) -> Findings {
        explain()
        sweep(namespaces.union(gone))
        walk = nil
        findings.drift = findings.drift.filter { !gone.contains(accounts[$0.key].tuple.netns) }
        return findings
    }

    /// Compares one connection of the kernel's table, during an audit.
    package mutating func see(_ sighting: TableEntry) {
        guard sighting.socket != 0, let place = entries.find(sighting.socket) else {
            if sighting.isCertain || entries.find(sighting.cookie) != nil {
                walk?.unexplained.append(sighting)
            }
            return
        }
        entries[place].mark = mark
        if entries[place].localPort == 0 { entries[place].localPort = sighting.localPort }
        defer { assess(place) }
        guard sighting.state != .timeWait else { return }
        // The kernel lists no socket without a port.
        if entries[place].phase == .searching {
            confirm(entries[place], at: entries[place].openedAt)
            entries[place].phase = .connecting
        }
        if sighting.state == .established, entries[place].phase == .connecting {
            walk?.unexplained.append(sighting)
        }
    }

    private mutating func explain() {
        guard let walk else { return }
        for sighting in walk.unexplained {
            if let place = entries.find(sighting.socket) {
                guard sighting.state == .established, entries[place].phase == .connecting else {
                    continue
                }
                let told = establish(sighting.socket, port: sighting.localPort, at: walk.since)
                if let told { overdue.append(told) }
                findings.untold += 1
            } else if walk.ended[sighting.socket] != nil {
                continue
            } else if sighting.state == .timeWait, sighting.socket != 0,
                let place = entries.find(sighting.cookie),
                entries[place].localPort == 0 || entries[place].localPort == sighting.localPort,
                let told = pass(
                    from: sighting.cookie, to: sighting.socket, reusable: false,
                    port: sighting.localPort, at: walk.since)
            {
                overdue.append(told)
                findings.untold += 1
            } else if sighting.isCertain {
                findings.missing += 1
            }
        }
    }

    /// Drops what the kernel no longer has, and no record has spoken of since the walk began.
    private mutating func sweep(_ namespaces: Set<UInt32>) {
        guard let walk else { return }
        // A repair looks everywhere: a namespace that is closed, or was not described, is nowhere.
        let wasWalked = accounts.map {
            namespaces.contains($0.tuple.netns)
                || walk.purpose == .repair && self.namespaces[$0.tuple.netns] == nil
        }
        // A connect() in search of a port is not in the kernel's table, but not for so long.
        let searchesSince = walk.since &- min(walk.since, 1000 * Self.millisecond)
        var gone: [UInt64] = []
        let mark = mark
        entries.visit { socket, entry in
            guard entry.mark != mark else { return }
            entry.mark = mark
            guard wasWalked[Int(entry.account)] else { return }
            switch entry.phase {
            case .searching: if entry.openedAt < searchesSince { gone.append(socket) }
            case .connecting where entry.localPort == 0:
                if entry.openedAt < searchesSince { gone.append(socket) }
            case .connecting, .established, .timeWait: gone.append(socket)
            case .leaving: break
            // Not in the table either; whether it still is there was not told if anything was lost.
            case .bound: if walk.purpose == .repair { gone.append(socket) }
            }
        }
        for socket in gone {
            guard let place = entries.find(socket) else { continue }
            let entry = remove(at: place)
            let index = Int(entry.account)
            guard entry.phase.holds else {
                findings.untold += 1
                continue
            }
            findings.drift[index, default: 0] += 1
            if entry.phase == .timeWait {
                overdue.append(change(.released, entry, at: walk.since))
            } else {
                accounts[index].totals.closed += 1
                let lived = entry.age(at: walk.since)
                overdue.append(
                    change(
                        .closed(timeWait: false, lived: lived, error: nil), entry, at: walk.since))
            }
        }
        findings.drift = findings.drift.filter { $0.value != 0 }
    }

    /// Enters a connection that a snapshot has found. A socket that connects again, after
    /// connect(AF_UNSPEC), has the cookie that the TIME_WAIT of its former connection has inherited.
    mutating func find(_ connection: Record.Connection, in state: Record.State) -> Change? {
        if let over = walk?.ended[connection.socket] {
            if over >= connection.time { return nil }
            // The same memory, a later TIME_WAIT.
            if let place = entries.find(connection.socket), entries[place].phase == .leaving {
                end(at: place, at: over)
            }
        }
        let isTimeWait = state == .timeWait
        if let place = entries.find(connection.socket), entries[place].phase != .bound {
            let known = entries[place]
            entries[place].mark = mark
            guard isTimeWait else { return advance(place, to: connection, in: state) }
            if known.cookie == UInt32(truncatingIfNeeded: connection.cookie) { return nil }
            // The same memory again, and neither its end nor its new beginning was told.
            findings.drift[Int(known.account), default: 0] += 1
            end(at: place, at: connection.time)
        }
        if isTimeWait, let place = entries.find(connection.cookie),
            accounts[Int(entries[place].account)].tuple == connection.tuple,
            entries[place].localPort == 0 || entries[place].localPort == connection.localPort
        {
            findings.untold += 1
            return pass(
                from: connection.cookie, to: connection.socket, reusable: connection.reusable,
                port: connection.localPort,
                at: connection.time)
        }
        if state == .connecting, connection.localPort == 0 { return nil }
        if let bound = entries.find(connection.socket) { remove(at: bound) }
        return enter(connection, in: state)
    }

    private mutating func enter(
        _ connection: Record.Connection, in state: Record.State
    ) -> Change? {
        let index = account(for: connection)
        accounts[index].hold(at: connection.time, timeWait: state == .timeWait)
        let phase: Phase =
            switch state {
            case .connecting: .connecting
            case .established: .established
            case .timeWait: .timeWait
            }
        let entry = Entry(
            openedAt: 0, process: connection.process, account: index,
            localPort: connection.localPort, phase: phase, mark: mark, cookie: connection.cookie)
        let place = add(entry, for: connection.socket)
        assess(place)
        if connection.reusable {
            let age = min(connection.age, connection.time)
            ripen(connection.socket, at: place, since: connection.time - age)
        }
        if connection.portChosen { meetBindPool(of: connection) }
        guard walk?.purpose == .repair else {
            if entry.pid != 0 { accounts[index].processes.add(entry.process, opened: 1) }
            return nil
        }
        findings.drift[index, default: 0] -= 1
        accounts[index].totals.opened += 1
        accounts[index].processes.add(entry.process, opened: 1)
        if state != .timeWait { return change(.established, entry, at: connection.time) }
        accounts[index].totals.closed += 1
        return change(.closed(timeWait: true, lived: nil, error: nil), entry, at: connection.time)
    }

    /// A known connection may be further than the records have said.
    private mutating func advance(
        _ place: SocketTable<Entry>.Place, to connection: Record.Connection, in state: Record.State
    ) -> Change? {
        let known = entries[place]
        guard known.phase == .searching || known.phase == .connecting, connection.localPort != 0
        else { return nil }
        if known.phase == .searching { confirm(known, at: connection.time) }
        entries[place].phase = .connecting
        entries[place].localPort = connection.localPort
        assess(place)
        guard state == .established else { return nil }
        entries[place].phase = .established
        return change(.established, entries[place], at: connection.time)
    }

    private mutating func end(at place: SocketTable<Entry>.Place, at time: UInt64) {
        let gone = remove(at: place)
        overdue.append(change(.released, gone, at: time))
    }
}
