import CPortgauge
import Glibc
import LinuxSystem

/// Owns a compiled object of bpf/: its maps and programs, in the kernel for as long as this.
// SAFETY: `object` is libbpf's from `init` to `deinit`; what it finds in there lives as long.
@safe package struct BPFObject: ~Copyable {
    private let object: OpaquePointer

    /// Opens an embedded object; nothing is in the kernel before `load`.
    package init(_ name: pg_object_name) throws(SystemError) {
        pg_keep_libbpf_text()
        var size = 0
        let bytes = unsafe pg_object(name, &size)
        unsafe object = try check(
            libbpf: bpf_object__open_mem(bytes, size, nil), "open probe", remedy: damageRemedy)
    }

    deinit { unsafe bpf_object__close(object) }

    // MARK: Before load

    /// Leaves a program out of `load`.
    package func leaveOut(_ program: BPFProgram) {
        guard let found = unsafe find(program) else { return }
        unsafe bpf_program__set_autoload(found, false)
    }

    /// Has both objects use the map of `other`, which is loaded.
    package func share(_ map: BPFMap, with other: borrowing BPFObject) throws(SystemError) {
        let result = unsafe bpf_map__reuse_fd(try find(map), try other.descriptor(of: map))
        try check(libbpf: result, "share map")
    }

    /// Sets the bytes of a data section, exactly as many as it has.
    package func set<Value: BitwiseCopyable>(_ section: BPFMap, to value: Value) throws(SystemError)
    {
        let map = unsafe try find(section)
        // SAFETY: libbpf copies the value, and refuses one that is not as large as the section.
        let result = unsafe withUnsafePointer(to: value) {
            unsafe bpf_map__set_initial_value(map, $0, MemoryLayout<Value>.size)
        }
        try check(libbpf: result, "configure \(section.rawValue)", remedy: damageRemedy)
    }

    package func set(maxEntries: UInt32, of map: BPFMap) throws(SystemError) {
        unsafe bpf_map__set_max_entries(try find(map), maxEntries)
    }

    package func load() throws(SystemError) {
        try check(libbpf: unsafe bpf_object__load(object), "load probe")
    }

    // MARK: After load

    package func attach(_ program: BPFProgram) throws(SystemError) -> BPFLink {
        try unsafe link(program) { unsafe bpf_program__attach($0) }
    }

    /// Attaches a program that belongs to a cgroup to the one that `folder` is a descriptor of.
    package func attach(
        _ program: BPFProgram, toCgroup folder: borrowing FileDescriptor
    ) throws(SystemError) -> BPFLink {
        try unsafe link(program) { unsafe bpf_program__attach_cgroup($0, folder.raw) }
    }

    /// Attaches a program to a tracepoint by its name in tracefs, such as `syscalls/sys_exit_bind`.
    package func attach(
        _ program: BPFProgram, toTracepoint path: String
    ) throws(SystemError) -> BPFLink {
        let remedy =
            "mount tracefs, or grant CAP_SYS_ADMIN: mount -t tracefs none /sys/kernel/tracing"
        let event = try check("open tracepoint \(path)", remedy: remedy) {
            unsafe pg_open_tracepoint(path)
        }
        do throws(SystemError) {
            return try unsafe link(program) { unsafe bpf_program__attach_perf_event($0, event) }
        } catch {
            close(event)
            throw error
        }
    }

    private func link(
        _ program: BPFProgram, _ attach: (OpaquePointer) -> OpaquePointer?
    ) throws(SystemError) -> BPFLink {
        let link = unsafe try check(
            libbpf: find(program).flatMap { unsafe attach($0) }, "attach \(program.rawValue)")
        return unsafe BPFLink(owning: link)
    }

    package func requireLoaded(_ program: BPFProgram) throws(SystemError) {
        if descriptor(of: program) < 0 {
            throw SystemError("load \(program.rawValue)", errno: ENOENT, remedy: hookRemedy)
        }
    }

    /// Runs a program of the type `raw_tp` once, in this thread; returns 0, or a negative errno.
    package func run(_ program: BPFProgram, argument: UInt64 = 0) -> Int32 {
        var options = unsafe bpf_test_run_opts()
        // SAFETY: the kernel reads the argument during the call.
        return unsafe withUnsafePointer(to: argument) {
            unsafe options.sz = MemoryLayout<bpf_test_run_opts>.size
            unsafe options.ctx_in = UnsafeRawPointer($0)
            unsafe options.ctx_size_in = UInt32(MemoryLayout<UInt64>.size)
            return unsafe bpf_prog_test_run_opts(descriptor(of: program), &options)
        }
    }

    /// How often the kernel skipped the program because it was running on the CPU already; 0 where
    /// the kernel does not count that (before Linux 5.12).
    package func skipped(_ program: BPFProgram) -> UInt64 {
        var info = bpf_prog_info()
        var size = UInt32(MemoryLayout<bpf_prog_info>.size)
        // SAFETY: the kernel writes `size` bytes at most, all of them plain integers.
        let result = unsafe bpf_obj_get_info_by_fd(descriptor(of: program), &info, &size)
        return result == 0 ? info.recursion_misses : 0
    }

    /// Owned by the object; negative if the program is not loaded.
    private func descriptor(of program: BPFProgram) -> Int32 {
        unsafe find(program).map { unsafe bpf_program__fd($0) } ?? -ENOENT
    }

    /// Owned by the object.
    package func descriptor(of map: BPFMap) throws(SystemError) -> Int32 {
        unsafe bpf_map__fd(try find(map))
    }

    /// Reads the keys, each of four bytes, that a hash map has now. One that comes or goes meanwhile may be
    /// missing, or have been there.
    ///
    /// - Parameters:
    ///   - descriptor: the map's.
    ///   - limit: entries that it has room for.
    package static func keys(ofMap descriptor: Int32, limit: UInt32) -> Set<UInt32> {
        var keys: Set<UInt32> = []
        var key: UInt32 = 0
        // SAFETY: the kernel reads and writes keys of four bytes, as the caller says they are.
        var result = unsafe bpf_map_get_next_key(descriptor, nil, &key)
        // The kernel begins anew if the last one was removed.
        for _ in 0..<limit where result == 0 {
            keys.insert(key)
            var before = key
            result = unsafe bpf_map_get_next_key(descriptor, &before, &key)
        }
        return keys
    }

    private func find(_ program: BPFProgram) -> OpaquePointer? {
        unsafe bpf_object__find_program_by_name(object, program.rawValue)
    }

    private func find(_ map: BPFMap) throws(SystemError) -> OpaquePointer {
        unsafe try check(
            libbpf: bpf_object__find_map_by_name(object, map.rawValue),
            "find map \(map.rawValue)", remedy: damageRemedy)
    }
}

/// Owns the attachment of one program to its hook.
// SAFETY: `link` is libbpf's from `init` to `deinit`.
@safe package final class BPFLink {
    private let link: OpaquePointer

    fileprivate init(owning link: OpaquePointer) { unsafe self.link = link }

    deinit { unsafe bpf_link__destroy(link) }

    var descriptor: Int32 { unsafe bpf_link__fd(link) }
}

/// Owns one pass of an iterator: through the network namespace that it was made in.
package struct BPFIterator: ~Copyable {
    private let descriptor: FileDescriptor

    /// - Parameter link: an iterator program's.
    package init(_ link: BPFLink) throws(SystemError) {
        descriptor = FileDescriptor(
            owning: try check("walk sockets", remedy: "run as root") {
                bpf_iter_create(link.descriptor)
            })
    }

    /// Reads on, and returns how many bytes, 0 at the end.
    package func read(into bytes: inout [UInt8]) throws(SystemError) -> Int {
        while true {
            let count = descriptor.read(into: &bytes)
            // The kernel asks for another call after a long search.
            if count < 0, errno == EAGAIN { continue }
            return try check("walk sockets", remedy: "please report this") { count }
        }
    }
}

package let hookRemedy = "this kernel refuses the hook; portgauge needs Linux 5.10 or later"
let damageRemedy = "this build is damaged: build it again"

/// Everything libbpf has said so far, such as the verifier's log.
package var libbpfText: String {
    // SAFETY: NUL-terminated, and copied before libbpf says more: one thread uses it.
    unsafe String(cString: pg_libbpf_text())
}

/// Throws what libbpf returns as a negative errno.
package func check(
    libbpf result: Int32, _ action: @autoclosure () -> String,
    remedy: @autoclosure () -> String = hookRemedy
) throws(SystemError) {
    if result < 0 { throw SystemError(action(), errno: -result, remedy: remedy()) }
}

/// Throws when libbpf returns no pointer; errno says why.
func check(
    libbpf pointer: OpaquePointer?, _ action: @autoclosure () -> String,
    remedy: @autoclosure () -> String = hookRemedy
) throws(SystemError) -> OpaquePointer {
    let number = errno
    guard let pointer = unsafe pointer else {
        throw SystemError(action(), errno: number, remedy: remedy())
    }
    return unsafe pointer
}
