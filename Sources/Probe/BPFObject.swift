import CPortgauge
import Glibc

/// Owns the BPF program of this binary: its maps and programs, in the kernel for as long as this.
@safe struct BPFObject: ~Copyable {
    private let object: OpaquePointer

    /// Opens an embedded object; nothing is in the kernel before `load`.
    init(_ name: pg_object_name) throws(ProbeError) {
        pg_keep_libbpf_text()
        var size = 0
        let bytes = unsafe pg_object(name, &size)
        guard let object = unsafe bpf_object__open_mem(bytes, size, nil) else {
            throw ProbeError(
                "open probe", errno: Glibc.errno, remedy: "this build is damaged: build it again")
        }
        unsafe self.object = object
    }

    deinit { unsafe bpf_object__close(object) }

    /// Libbpf's return: 0, or a negative errno.
    func load() -> Int32 { unsafe bpf_object__load(object) }

    /// Leaves a program out of `load`.
    func leaveOut(_ program: String) {
        guard let found = unsafe bpf_object__find_program_by_name(object, program) else { return }
        unsafe bpf_program__set_autoload(found, false)
    }

    func attach(_ program: String) throws(ProbeError) -> BPFLink {
        guard let found = unsafe bpf_object__find_program_by_name(object, program),
            let link = unsafe bpf_program__attach(found)
        else {
            throw ProbeError("attach \(program)", errno: Glibc.errno, remedy: hookRemedy)
        }
        return unsafe BPFLink(owning: link)
    }

    /// Attaches a program that belongs to a cgroup to the one that `folder` is a descriptor of.
    func attach(
        _ program: String, toCgroup folder: borrowing FileDescriptor
    ) throws(ProbeError) -> BPFLink {
        guard let found = unsafe bpf_object__find_program_by_name(object, program),
            let link = unsafe bpf_program__attach_cgroup(found, folder.raw)
        else {
            throw ProbeError("attach \(program)", errno: Glibc.errno, remedy: hookRemedy)
        }
        return unsafe BPFLink(owning: link)
    }

    /// Attaches a program to a tracepoint by its name in tracefs, such as `syscalls/sys_exit_bind`.
    func attach(_ program: String, toTracepoint path: String) throws(ProbeError) -> BPFLink {
        let remedy =
            "mount tracefs, or grant CAP_SYS_ADMIN: mount -t tracefs none /sys/kernel/tracing"
        let event = try check(
            unsafe pg_open_tracepoint(path), "open tracepoint \(path)", remedy: remedy)
        guard let found = unsafe bpf_object__find_program_by_name(object, program),
            let link = unsafe bpf_program__attach_perf_event(found, event)
        else {
            let number = Glibc.errno
            close(event)
            throw ProbeError("attach \(program)", errno: number, remedy: hookRemedy)
        }
        return unsafe BPFLink(owning: link)
    }

    func requireLoaded(_ program: String) throws(ProbeError) {
        guard descriptor(ofProgram: program) >= 0 else {
            throw ProbeError("load \(program)", errno: ENOENT, remedy: hookRemedy)
        }
    }

    /// Of a program that is loaded; negative if it is not. Owned by the object.
    func descriptor(ofProgram name: String) -> Int32 {
        guard let found = unsafe bpf_object__find_program_by_name(object, name) else {
            return -ENOENT
        }
        return unsafe bpf_program__fd(found)
    }

    /// Runs a program of the type `raw_tp` once, in this thread.
    ///
    /// - Returns: libbpf's: 0, or a negative errno.
    static func run(_ program: Int32, argument: UInt64 = 0) -> Int32 {
        var options = unsafe bpf_test_run_opts()
        return unsafe withUnsafePointer(to: argument) {
            unsafe options.sz = MemoryLayout<bpf_test_run_opts>.size
            unsafe options.ctx_in = UnsafeRawPointer($0)
            unsafe options.ctx_size_in = UInt32(MemoryLayout<UInt64>.size)
            return unsafe bpf_prog_test_run_opts(program, &options)
        }
    }

    /// Before `load`: the map of that name is to be the one of `descriptor`.
    func share(map name: String, with descriptor: Int32) throws(ProbeError) {
        let map = unsafe try map(name)
        let result = unsafe bpf_map__reuse_fd(map, descriptor)
        if result != 0 { throw ProbeError("share map", errno: -result, remedy: hookRemedy) }
    }

    /// How often the kernel skipped the program because it was running on the CPU already; 0 where
    /// the kernel does not count that (before Linux 5.12).
    func skipped(_ program: String) -> UInt64 {
        var info = bpf_prog_info()
        var size = UInt32(MemoryLayout<bpf_prog_info>.size)
        let result = unsafe bpf_obj_get_info_by_fd(
            descriptor(ofProgram: program), &info, &size)
        guard result == 0 else { return 0 }
        return info.recursion_misses
    }

    /// Before `load`: the bytes of a data section, exactly as many as it has.
    func set<T: BitwiseCopyable>(section: String, to value: T) throws(ProbeError) {
        let map = unsafe try map(section)
        let result = unsafe withUnsafePointer(to: value) {
            unsafe bpf_map__set_initial_value(map, $0, MemoryLayout<T>.size)
        }
        if result != 0 {
            throw ProbeError(
                "configure \(section)", errno: -result,
                remedy: "this build is damaged: build it again")
        }
    }

    /// Before `load`.
    func set(maxEntries: UInt32, ofMap name: String) throws(ProbeError) {
        let map = unsafe try map(name)
        unsafe bpf_map__set_max_entries(map, maxEntries)
    }

    /// After `load`; owned by the object.
    func descriptor(ofMap name: String) throws(ProbeError) -> Int32 {
        let map = unsafe try map(name)
        return unsafe bpf_map__fd(map)
    }

    private func map(_ name: String) throws(ProbeError) -> OpaquePointer {
        guard let map = unsafe bpf_object__find_map_by_name(object, name) else {
            throw ProbeError(
                "find map \(name)", errno: ENOENT, remedy: "this build is damaged: build it again")
        }
        return unsafe map
    }
}

let hookRemedy = "this kernel refuses the hook; portgauge needs Linux 5.10 or later"

/// Owns the attachment of one program to its hook.
@safe final class BPFLink {
    private let link: OpaquePointer

    init(owning link: OpaquePointer) { unsafe self.link = link }

    deinit { unsafe bpf_link__destroy(link) }

    var descriptor: Int32 { unsafe bpf_link__fd(link) }
}
