import CPortgauge
import Glibc

/// Owns a BPF object, that of this binary or a file: its maps and programs, in the kernel for as long as
/// this.
@safe package struct BPFObject: ~Copyable {
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

    /// Opens an object file, as `clang -target bpf` writes it.
    package init(file path: String) throws(ProbeError) {
        pg_keep_libbpf_text()
        guard let object = unsafe bpf_object__open_file(path, nil) else {
            throw ProbeError(
                "open \(path)", errno: Glibc.errno, remedy: "build it: make \(path)")
        }
        unsafe self.object = object
    }

    deinit { unsafe bpf_object__close(object) }

    /// Libbpf's return: 0, or a negative errno.
    package func load() -> Int32 { unsafe bpf_object__load(object) }

    /// Leaves a program out of `load`.
    package func leaveOut(_ program: String) {
        guard let found = unsafe bpf_object__find_program_by_name(object, program) else { return }
        unsafe bpf_program__set_autoload(found, false)
    }

    package func attach(_ program: String) throws(ProbeError) -> BPFLink {
        guard let found = unsafe bpf_object__find_program_by_name(object, program),
            let link = unsafe bpf_program__attach(found)
        else {
            throw ProbeError("attach \(program)", errno: Glibc.errno, remedy: hookRemedy)
        }
        return unsafe BPFLink(owning: link)
    }

    /// Attaches a program that belongs to a cgroup to the one that `folder` is a descriptor of.
    package func attach(
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
    package func attach(_ program: String, toTracepoint path: String) throws(ProbeError) -> BPFLink
    {
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
    package func descriptor(ofProgram name: String) -> Int32 {
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
    package func share(map name: String, with descriptor: Int32) throws(ProbeError) {
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
    package func set<T: BitwiseCopyable>(section: String, to value: T) throws(ProbeError) {
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

    /// Before `load`: a 32-bit field of the structure at the beginning of a data section.
    ///
    /// - Returns: false if the object has no such section, or no such field.
    package func set(
        field: String, of structure: String, inSection section: String, to value: UInt32
    ) -> Bool {
        guard let map = unsafe bpf_object__find_map_by_name(object, section),
            let types = unsafe bpf_object__btf(object)
        else { return false }
        var size = 0
        let number = unsafe btf__find_by_name_kind(types, structure, UInt32(BTF_KIND_STRUCT))
        guard number > 0, let type = unsafe btf__type_by_id(types, UInt32(number)),
            let bytes = unsafe bpf_map__initial_value(map, &size),
            let members = unsafe btf_members(type)
        else { return false }
        // As many as the type says, with names that are the object's.
        for index in 0..<Int(unsafe btf_vlen(type)) {
            let member = unsafe members[index]
            guard unsafe strcmp(btf__name_by_offset(types, member.name_off), field) == 0,
                member.offset % 8 == 0, Int(member.offset / 8) + 4 <= size
            else { continue }
            var copy = unsafe [UInt8](UnsafeRawBufferPointer(start: bytes, count: size))
            unsafe copy.withUnsafeMutableBytes {
                unsafe $0.storeBytes(
                    of: value, toByteOffset: Int(member.offset / 8), as: UInt32.self)
            }
            return unsafe bpf_map__set_initial_value(map, copy, size) == 0
        }
        return false
    }

    /// Before `load`.
    package func set(maxEntries: UInt32, ofMap name: String) throws(ProbeError) {
        let map = unsafe try map(name)
        unsafe bpf_map__set_max_entries(map, maxEntries)
    }

    /// After `load`; owned by the object.
    package func descriptor(ofMap name: String) throws(ProbeError) -> Int32 {
        let map = unsafe try map(name)
        return unsafe bpf_map__fd(map)
    }

    /// A program as the object file has it.
    package struct Program: Sendable {
        package let name: String
        /// What it is to be attached to, such as `tp_btf/inet_sock_set_state`.
        package let section: String
    }

    /// In the order of the file.
    package var programs: [Program] {
        var programs: [Program] = []
        var next = unsafe bpf_object__next_program(object, nil)
        while let program = unsafe next {
            // Both names are the object's, which outlives this.
            programs.append(
                Program(
                    name: unsafe String(cString: bpf_program__name(program)),
                    section: unsafe String(cString: bpf_program__section_name(program))))
            unsafe next = bpf_object__next_program(object, program)
        }
        return programs
    }

    /// The names of its maps, data sections included, that are of `type`; nil: of any.
    package func maps(of type: bpf_map_type? = nil) -> [String] {
        var names: [String] = []
        var next = unsafe bpf_object__next_map(object, nil)
        while let map = unsafe next {
            if unsafe type == nil || bpf_map__type(map) == type {
                names.append(unsafe String(cString: bpf_map__name(map)))
            }
            unsafe next = bpf_object__next_map(object, map)
        }
        return names
    }

    /// The instructions that the verifier went through for a loaded program, on all of its paths; nil
    /// where the kernel does not tell (before Linux 5.16).
    package func verifiedInstructions(of program: String) -> Int? {
        var info = bpf_prog_info()
        var size = UInt32(MemoryLayout<bpf_prog_info>.size)
        let result = unsafe bpf_obj_get_info_by_fd(
            descriptor(ofProgram: program), &info, &size)
        return result == 0 && info.verified_insns > 0 ? Int(info.verified_insns) : nil
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
@safe package final class BPFLink {
    private let link: OpaquePointer

    init(owning link: OpaquePointer) { unsafe self.link = link }

    deinit { unsafe bpf_link__destroy(link) }

    var descriptor: Int32 { unsafe bpf_link__fd(link) }
}
