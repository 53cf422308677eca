import Glibc
import PortModel
import Synchronization

/// Names of addresses, as they become known. Looking one up can take as long as a name server likes:
/// a thread does that, one name after the other, and nobody ever waits for it, not even on exit.
///
/// The queue between the two is a socket, and so has a limit: what finds it full is asked again when it
/// is next to be written.
package final class Resolver: Sendable {
    private let socket: FileDescriptor
    /// Nil for what has no name, or none yet.
    private let names = Mutex<[IPAddress: String?]>([:])

    /// Beyond it all names are forgotten, and asked for again.
    private static let limit = 4096
    private static let addressBytes = 16

    /// - Parameter socket: of sequenced packets. It takes an address as 16 bytes in network order, and
    ///   gives back these and the name, which is empty if there is none.
    package init(asking socket: consuming FileDescriptor) { self.socket = socket }

    /// Starts the thread, with the signals that are blocked and the network namespace of the calling
    /// one, but without any of its rights. It ends after the resolver, or with the process.
    package static func start() throws(ProbeError) -> Resolver {
        var ends: (near: Int32, far: Int32) = (-1, -1)
        let type = Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        try check(
            unsafe withUnsafeMutableBytes(of: &ends) {
                unsafe socketpair(
                    AF_UNIX, type, 0, $0.assumingMemoryBound(to: Int32.self).baseAddress!)
            }, "create sockets", remedy: "raise the limit of files")
        let resolver = Resolver(asking: FileDescriptor(owning: ends.near))
        var thread = pthread_t()
        // The descriptor itself is what the thread is given; it is never 0, as that is in use.
        let code = unsafe pthread_create(
            &thread, nil,
            { descriptor in
                Resolver.serve(FileDescriptor(owning: Int32(Int(bitPattern: descriptor))))
                return nil
            }, UnsafeMutableRawPointer(bitPattern: Int(ends.far)))
        guard code == 0 else {
            close(ends.far)
            throw ProbeError("start resolver", errno: code, remedy: "raise the limit of threads")
        }
        pthread_detach(thread)
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
            if unsafe send(socket.raw, request, request.count, flags) == request.count {
                names[address] = .some(nil)
            }
            return nil
        }
    }

    /// What has been answered so far.
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

    private static func serve(_ socket: consuming FileDescriptor) {
        // What name services run in here need not be able to do more than anybody.
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
        let length = socklen_t(name.count)
        let code: Int32
        if address.isV4 {
            var socketAddress = sockaddr_in()
            socketAddress.sin_family = sa_family_t(AF_INET)
            socketAddress.sin_addr.s_addr = UInt32(truncatingIfNeeded: address.low).bigEndian
            code = unsafe withUnsafePointer(to: &socketAddress) {
                unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe getnameinfo(
                        $0, socklen_t(MemoryLayout<sockaddr_in>.size), &name, length, nil, 0,
                        NI_NAMEREQD)
                }
            }
        } else {
            var socketAddress = sockaddr_in6()
            socketAddress.sin6_family = sa_family_t(AF_INET6)
            unsafe withUnsafeMutableBytes(of: &socketAddress.sin6_addr) {
                unsafe $0.copyBytes(from: address.networkBytes)
            }
            code = unsafe withUnsafePointer(to: &socketAddress) {
                unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe getnameinfo(
                        $0, socklen_t(MemoryLayout<sockaddr_in6>.size), &name, length, nil, 0,
                        NI_NAMEREQD)
                }
            }
        }
        guard code == 0 else { return [] }
        return name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    }
}

extension IPAddress {
    package var networkBytes: [UInt8] {
        (0..<8).flatMap { [UInt8(group($0) >> 8), UInt8(group($0) & 0xff)] }
    }

    /// - Parameter bytes: 16 of them.
    package init(networkBytes bytes: ArraySlice<UInt8>) {
        func half(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
        self.init(high: half(bytes.prefix(8)), low: half(bytes.dropFirst(8)))
    }
}
