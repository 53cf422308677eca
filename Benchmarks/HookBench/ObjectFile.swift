import BPF
import CBTF
import CPortgauge
import Glibc
import LinuxSystem

/// Owns a BPF object of any programs, read from a file: its maps and programs are in the kernel for as
/// long as this.
// SAFETY: `object` is libbpf's from `init` to `deinit`; what it finds in there, names among it, lives
// as long, and is copied before it is given out.
@safe struct ObjectFile: ~Copyable {
    private let path: String
    private let object: OpaquePointer

    /// A program as the file has it.
    struct Program: Sendable {
        let name: String
        /// Of what kind it is and what it is attached to, such as `tp_btf/inet_sock_set_state`.
        let section: String
    }

    /// Opens an object file, as `clang -target bpf` writes it; nothing is in the kernel before `load`.
    init(_ path: String) throws(SystemError) {
        pg_keep_libbpf_text()
        guard let object = unsafe bpf_object__open_file(path, nil) else {
            throw SystemError("open \(path)", errno: errno, remedy: "build it: make \(path)")
        }
        self.path = path
        unsafe self.object = object
    }

    deinit { unsafe bpf_object__close(object) }

    // MARK: Contents

    /// The programs, in the order of the file.
    var programs: [Program] {
        var programs: [Program] = []
        var next = unsafe bpf_object__next_program(object, nil)
        while let program = unsafe next {
            programs.append(
                Program(
                    name: unsafe String(cString: bpf_program__name(program)),
                    section: unsafe String(cString: bpf_program__section_name(program))))
            unsafe next = bpf_object__next_program(object, program)
        }
        return programs
    }

    /// The names of the maps, data sections among them, that are of `type`; nil: of any.
    func maps(of type: bpf_map_type? = nil) -> [String] {
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

    // MARK: Before load

    /// Leaves a program out of `load`.
    func leaveOut(_ program: Program) throws(SystemError) {
        unsafe bpf_program__set_autoload(try find(program), false)
    }

    /// Has both objects use the map of `other`, which is loaded and has one of that name.
    func share(map: String, with other: borrowing ObjectFile) throws(SystemError) {
        let result = unsafe bpf_map__reuse_fd(
            try find(map: map), try other.descriptor(ofMap: map))
        try check(libbpf: result, "share map \(map) of \(path)")
    }

    /// Sets a 32-bit field of the structure at the beginning of a data section, wherever the types of
    /// the object say that it is. Does nothing if there is no such section or field.
    func set(
        field: String, of structure: String, inSection section: String, to value: UInt32
    ) throws(SystemError) {
        guard let offset = offset(of: field, in: structure),
            let map = unsafe bpf_object__find_map_by_name(object, section)
        else { return }
        var size = 0
        guard let bytes = unsafe bpf_map__initial_value(map, &size),
            (0...size - MemoryLayout<UInt32>.size).contains(offset)
        else { return }
        // SAFETY: libbpf has that many bytes of the section, copies as many, and both are within.
        var copy = unsafe [UInt8](UnsafeRawBufferPointer(start: bytes, count: size))
        unsafe copy.withUnsafeMutableBytes {
            unsafe $0.storeBytes(of: value, toByteOffset: offset, as: UInt32.self)
        }
        let result = unsafe bpf_map__set_initial_value(map, copy, size)
        try check(libbpf: result, "configure \(section) of \(path)")
    }

    /// Where a field begins in a structure, in bytes; nil if the object's types have none.
    private func offset(of field: String, in structure: String) -> Int? {
        guard let types = unsafe bpf_object__btf(object) else { return nil }
        let number = unsafe btf__find_by_name_kind(types, structure, UInt32(BTF_KIND_STRUCT))
        guard number > 0, let type = unsafe btf__type_by_id(types, UInt32(number)),
            let members = unsafe btf_members(type)
        else { return nil }
        // SAFETY: there are as many members as the type says, and libbpf has checked their names.
        for index in 0..<Int(unsafe btf_vlen(type)) {
            let member = unsafe members[index]
            if unsafe strcmp(btf__name_by_offset(types, member.name_off), field) == 0 {
                return Int(member.offset / 8)
            }
        }
        return nil
    }

    /// Loads what was not left out. What libbpf says of a refusal is the error's detail.
    func load() throws(SystemError) {
        let result = unsafe bpf_object__load(object)
        guard result == 0 else {
            throw SystemError(
                "load \(path)", errno: -result, remedy: "this kernel refuses it; libbpf says:",
                detail: libbpfText)
        }
    }

    // MARK: After load

    /// Attaches a program to what its section names.
    func attach(_ program: Program) throws(SystemError) -> Attachment {
        let parts = program.section.split(separator: "/", maxSplits: 1)
        let found = unsafe try find(program)
        let link: OpaquePointer?
        switch parts[0] {
        case "tracepoint":
            let event = try check("open tracepoint \(parts[1])", remedy: "mount tracefs") {
                unsafe pg_open_tracepoint(String(parts[1]))
            }
            unsafe link = bpf_program__attach_perf_event(found, event)
            if unsafe link == nil {
                let number = errno
                close(event)
                errno = number
            }
        case "cgroup":
            let root = try ControlGroups.openRoot()
            unsafe link = bpf_program__attach_cgroup(found, root.raw)
        default: unsafe link = bpf_program__attach(found)
        }
        guard let link = unsafe link else {
            throw SystemError("attach \(program.name)", errno: errno, remedy: hookRemedy)
        }
        return unsafe Attachment(owning: link)
    }

    /// Owned by the object.
    func descriptor(ofMap name: String) throws(SystemError) -> Int32 {
        unsafe bpf_map__fd(try find(map: name))
    }

    /// The instructions that the verifier went through for a loaded program, on all of its paths; nil
    /// where the kernel does not tell (before Linux 5.16).
    func verifiedInstructions(of program: Program) throws(SystemError) -> Int? {
        var info = bpf_prog_info()
        var size = UInt32(MemoryLayout<bpf_prog_info>.size)
        let descriptor = unsafe bpf_program__fd(try find(program))
        // SAFETY: the kernel writes `size` bytes at most, all of them plain integers.
        let result = unsafe bpf_obj_get_info_by_fd(descriptor, &info, &size)
        return result == 0 && info.verified_insns > 0 ? Int(info.verified_insns) : nil
    }

    private func find(_ program: Program) throws(SystemError) -> OpaquePointer {
        guard let found = unsafe bpf_object__find_program_by_name(object, program.name) else {
            throw SystemError("find \(program.name) in \(path)", errno: ENOENT)
        }
        return unsafe found
    }

    private func find(map name: String) throws(SystemError) -> OpaquePointer {
        guard let found = unsafe bpf_object__find_map_by_name(object, name) else {
            throw SystemError("find map \(name) in \(path)", errno: ENOENT)
        }
        return unsafe found
    }
}

/// Owns the attachment of one program to its hook.
// SAFETY: `link` is libbpf's from `init` to `deinit`.
@safe final class Attachment {
    private let link: OpaquePointer

    fileprivate init(owning link: OpaquePointer) { unsafe self.link = link }

    deinit { unsafe bpf_link__destroy(link) }
}
