import Glibc
import PortModel
import Synchronization

/// Names of addresses, as they become known. Looking one up can take as long as a name server likes:
/// a thread does that, one name after the other, and nobody ever waits for it, not even on exit.
///
/// The queue between the two is a socket, and so has a limit: an address that finds it full is asked for
/// again when it is next to be written.
package final class Resolver: Sendable {
    private let socket: FileDescriptor
    /// Names by address; nil for one that has none, or none yet.
    private let names = Mutex<[IPAddress: String?]>([:])

    /// Beyond it all names are forgotten, and asked for again.
    private static let limit = 4096
    private static let addressBytes = 16

    /// - Parameter socket: one of sequenced packets. It takes an address as 16 bytes in network order, and
    ///   gives back these and the name, which is empty if there is none.
    package init(asking socket: consuming FileDescriptor) { self.socket = socket }

    /// Starts the thread, with the signals that are blocked and the network namespace of the calling
    /// one, but without any of its rights. It ends after the resolver, or with the process.
    package static func start() throws(SystemError) -> Resolver {
        var ends: [Int32] = [-1, -1]
        let type = Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        try check("create sockets", remedy: "raise the limit of files") {
            // SAFETY: the kernel writes two descriptors, for which the array has room.
            unsafe socketpair(AF_UNIX, type, 0, &ends)
        }
        let resolver = Resolver(asking: FileDescriptor(owning: ends[0]))
        let far = FileDescriptor(owning: ends[1])
        try Thread("start resolver", remedy: "raise the limit of threads") { serve(far) }.detach()
        return resolver
    }

    /// The name of `address`, if it is known by now; else it is asked for. Never waits.
    package func name(of address: IPAddress) -> String? {
        names.withLock { names in
            if case .some(.some(let name)) = names[address] { return name }
            receive(&names)
            if let answered = names[address] { return answered }
            if names.count >= Self.limit { names.removeAll(keepingCapacity: true) }
            let request = address.networkBytes
            let flags = Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)
            // SAFETY: the kernel reads within the array, as it does and writes in the calls below.
            if unsafe send(socket.raw, request, request.count, flags) == request.count {
                names[address] = .some(nil)
            }
            return nil
        }
    }

    /// Takes what has been answered so far.
    private func receive(_ names: inout [IPAddress: String?]) {
        var answer = [UInt8](repeating: 0, count: 512)
        while case let count = unsafe recv(
            socket.raw, &answer, answer.count, Int32(MSG_DONTWAIT)),
            count >= Self.addressBytes
        {
            let name = String(decoding: answer[Self.addressBytes..<count], as: UTF8.self)
            // Whoever owns an address can give it any name, such as another address.
            let isName = !name.isEmpty && IPAddress(name) == nil
            names[IPAddress(networkBytes: answer[..<Self.addressBytes])] = .some(
                isName ? name : nil)
        }
    }

    // MARK: The thread

    private static func serve(_ socket: borrowing FileDescriptor) {
        // Name services run in here, which need no more rights than anybody has.
        try? Capability.keepOnly([])
        var request = [UInt8](repeating: 0, count: addressBytes)
        while unsafe recv(socket.raw, &request, request.count, 0) == addressBytes {
            let answer = request + lookUp(IPAddress(networkBytes: request[...])).prefix(256)
            let flags = Int32(MSG_NOSIGNAL)
            guard unsafe send(socket.raw, answer, answer.count, flags) == answer.count else {
                return
            }
        }
    }

    /// The bytes of the name that getnameinfo() finds; none if it finds none.
    private static func lookUp(_ address: IPAddress) -> [UInt8] {
        var name = [CChar](repeating: 0, count: 1025)
        // SAFETY: getnameinfo() writes within the array.
        let code = unsafe address.withSocketAddress(isV6: !address.isV4) {
            unsafe getnameinfo($0, $1, &name, socklen_t(name.count), nil, 0, NI_NAMEREQD)
        }
        guard code == 0 else { return [] }
        return name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    }
}
