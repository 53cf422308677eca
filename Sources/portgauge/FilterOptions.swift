import ArgumentParser
import LinuxSystem
import PortModel
import Probe

/// Which connections are printed and counted: those that match one filter of each kind given.
struct FilterOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Only connections to this address, network or port; repeatable. IPv6 with a port "
                + "needs brackets: [2001:db8::1]:443.",
            valueName: "addr[/len][:port]"),
        transform: Probe.Filter.Remote.init(parsing:))
    var remote: [Probe.Filter.Remote] = []

    @Option(
        help: ArgumentHelp("Only connections this process opens; repeatable.", valueName: "pid"),
        transform: pid)
    var pid: [UInt32] = []

    @Option(
        help: ArgumentHelp(
            "Only connections of processes of this name (15 bytes count); repeatable.",
            valueName: "name"),
        transform: name)
    var comm: [ProcessID.Name] = []

    func validate() throws {
        for (count, option) in [
            (remote.count, "--remote"), (pid.count, "--pid"), (comm.count, "--comm"),
        ] where count > Probe.Filter.limit {
            throw ValidationError("\(option) can be given \(Probe.Filter.limit) times at most")
        }
    }

    var filter: Probe.Filter {
        var filter = Probe.Filter()
        filter.remotes = remote
        filter.pids = pid
        filter.names = comm
        return filter
    }

    static func pid(_ text: String) throws -> UInt32 {
        guard let pid = UInt32(digits: text), pid > 0 else {
            throw ValidationError("a process id is a whole number greater than 0")
        }
        return pid
    }

    static func name(_ text: String) throws -> ProcessID.Name {
        guard !text.isEmpty else { throw ValidationError("a name is not empty") }
        return ProcessID.Name(text)
    }
}

extension Probe.Filter.Remote {
    /// Reads `ADDR[/LEN][:PORT]`.
    init(parsing text: String) throws {
        var address = text[...]
        var rest: Substring = ""
        if text.first == "[" {
            guard let end = text.firstIndex(of: "]") else {
                throw ValidationError("the bracket is not closed")
            }
            address = text[text.index(after: text.startIndex)..<end]
            rest = text[text.index(after: end)...]
        } else if let slash = text.firstIndex(of: "/") {
            address = text[..<slash]
            rest = text[slash...]
        } else if let colon = text.firstIndex(of: ":"), colon == text.lastIndex(of: ":") {
            address = text[..<colon]
            rest = text[colon...]
        }
        guard let parsed = IPAddress(String(address)) else {
            throw ValidationError("'\(address)' is no IPv4 or IPv6 address")
        }
        let longest = parsed.isV4 ? 32 : 128
        var length = longest
        if rest.first == "/" {
            let digits = rest.dropFirst().prefix { $0 != ":" }
            guard let given = Int(digits: digits), (0...longest).contains(given) else {
                throw ValidationError("the prefix length must be from 0 to \(longest)")
            }
            length = given
            rest = rest.dropFirst(1 + digits.count)
        }
        var port: UInt16 = 0
        if rest.first == ":" {
            guard let given = UInt16(digits: rest.dropFirst()), given > 0 else {
                throw ValidationError("the port must be from 1 to 65535")
            }
            port = given
            rest = ""
        }
        guard rest.isEmpty else { throw ValidationError("'\(rest)' is left over") }
        self.init(address: parsed, prefixBits: length + 128 - longest, port: port)
    }
}

extension FixedWidthInteger {
    /// Reads what has digits only; `init(_:)` takes a sign as well.
    init?(digits text: some StringProtocol) {
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            return nil
        }
        self.init(text, radix: 10)
    }
}
