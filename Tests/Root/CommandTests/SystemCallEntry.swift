import Foundation
import Testing

/// A system call by its number on x86-64: glibc's `syscall`, which Swift leaves out as it is variadic.
/// The ABI passes whole numbers to it as to any other function.
func systemCall(_ number: Int, _ arguments: Int...) -> Int {
    typealias Call = @convention(c) (Int, Int, Int, Int, Int, Int, Int) -> Int
    let call = unsafeBitCast(dlsym(nil, "syscall")!, to: Call.self)
    let all = arguments + [Int](repeating: 0, count: 6 - arguments.count)
    return call(number, all[0], all[1], all[2], all[3], all[4], all[5])
}

/// The ways into the kernel's bind().
enum SystemCallEntry: String, CaseIterable, Sendable {
    case native
    /// As 32-bit programs do it.
    case gate
    case ring

    static let here = allCases.filter { $0 != .ring || Kernel.bindsInRing }
}

/// Calls bind() of any socket by one of them.
final class Binder {
    let entry: SystemCallEntry
    /// Two pages below 4 GiB: code, and the address that bind() is given.
    private let pages: UnsafeMutableRawPointer
    private let ring: BindRing?

    init(_ entry: SystemCallEntry) throws {
        self.entry = entry
        let below4GB: Int32 = 0x40  // MAP_32BIT
        pages = mmap(
            nil, 8192, PROT_READ | PROT_WRITE | PROT_EXEC,
            MAP_PRIVATE | MAP_ANONYMOUS | below4GB, -1, 0)!
        // bind(descriptor, address, length) by the 32-bit gate, in which it has the number 361.
        let code: [UInt8] = [
            0x53,  // push rbx
            0x89, 0xfb,  // mov ebx, edi
            0x89, 0xf1,  // mov ecx, esi
            0xb8, 0x69, 0x01, 0x00, 0x00,  // mov eax, 361
            0xcd, 0x80,  // int 0x80
            0x48, 0x98,  // cdqe
            0x5b,  // pop rbx
            0xc3,  // ret
        ]
        pages.copyMemory(from: code, byteCount: code.count)
        ring = entry == .ring ? try BindRing() : nil
    }

    deinit { munmap(pages, 8192) }

    /// Returns 0 or the errno.
    func bind(_ socket: Int32, _ address: [UInt8]) -> Int32 {
        let given = pages + 4096
        given.copyMemory(from: address, byteCount: address.count)
        switch entry {
        case .native:
            let name = given.assumingMemoryBound(to: sockaddr.self)
            return Glibc.bind(socket, name, socklen_t(address.count)) == 0 ? 0 : errno
        case .gate:
            typealias Gate = @convention(c) (Int32, UInt32, Int32) -> Int
            let gate = unsafeBitCast(pages, to: Gate.self)
            return Int32(-gate(socket, UInt32(UInt(bitPattern: given)), Int32(address.count)))
        case .ring: return -ring!.bind(socket, given, address.count)
        }
    }

    /// A `sockaddr_in` or `sockaddr_in6`.
    static func name(_ address: String, port: UInt16) -> [UInt8] {
        let bytes = [UInt8(port >> 8), UInt8(port & 0xff)]
        var raw = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, address, &raw) == 1 {
            return [UInt8(AF_INET), 0] + bytes + raw[..<4] + [UInt8](repeating: 0, count: 8)
        }
        precondition(inet_pton(AF_INET6, address, &raw) == 1)
        return [UInt8(AF_INET6), 0] + bytes + [0, 0, 0, 0] + raw + [0, 0, 0, 0]
    }
}

/// An io_uring of one entry, of which IORING_OP_BIND is asked, and nothing else.
private final class BindRing {
    private let descriptor: Int32
    private let queue: UnsafeMutableRawPointer
    private let entry: UnsafeMutableRawPointer
    private let offsets: [UInt32]

    init() throws {
        // struct io_uring_params, in 32-bit words.
        var parameters = [UInt32](repeating: 0, count: 30)
        let result = parameters.withUnsafeMutableBytes {
            systemCall(425, 1, Int(bitPattern: $0.baseAddress!))
        }
        try #require(result >= 0, "io_uring_setup: \(errno)")
        descriptor = Int32(result)
        offsets = parameters
        // IORING_FEAT_SINGLE_MMAP: one mapping has both queues.
        queue = mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)!
        entry = mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0x1000_0000)!
        try #require(queue != MAP_FAILED && entry != MAP_FAILED)
    }

    deinit {
        munmap(queue, 4096)
        munmap(entry, 4096)
        close(descriptor)
    }

    private func word(_ offset: UInt32) -> UnsafeMutablePointer<UInt32> {
        (queue + Int(offset)).assumingMemoryBound(to: UInt32.self)
    }

    /// Returns what the completion has: 0 or a negative errno.
    func bind(_ socket: Int32, _ address: UnsafeMutableRawPointer, _ length: Int) -> Int32 {
        // sq_off.tail and .array, cq_off.head, .ring_mask and .cqes.
        let (tail, array) = (word(offsets[11]), word(offsets[16]))
        let (doneHead, mask, done) = (word(offsets[20]), word(offsets[22]), offsets[25])
        memset(entry, 0, 64)
        entry.storeBytes(of: 56, as: UInt8.self)  // IORING_OP_BIND
        entry.storeBytes(of: socket, toByteOffset: 4, as: Int32.self)
        entry.storeBytes(of: UInt64(length), toByteOffset: 8, as: UInt64.self)  // addr2
        entry.storeBytes(of: UInt64(UInt(bitPattern: address)), toByteOffset: 16, as: UInt64.self)
        array[0] = 0
        tail.pointee &+= 1
        let getEvents = 1
        guard systemCall(426, Int(descriptor), 1, 1, getEvents) == 1 else { return -errno }
        let place = Int(done) + Int(doneHead.pointee & mask.pointee) * 16
        defer { doneHead.pointee &+= 1 }
        return queue.load(fromByteOffset: place + 8, as: Int32.self)
    }
}
