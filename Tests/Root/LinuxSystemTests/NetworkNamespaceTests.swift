import Glibc
import TestSupport
import Testing

@testable import LinuxSystem

/// Whatever lies in the folder of the names.
@Suite struct NetworkNamespaceTests {
    /// Calls `body` with a folder that goes afterwards.
    private func withFolder(_ body: (String) throws -> Void) throws {
        var template = Array("/tmp/portgauge-netns-XXXXXX".utf8CString)
        let folder = String(cString: try #require(mkdtemp(&template)))
        defer {
            if let directory = opendir(folder) {
                while let entry = readdir(directory) {
                    withUnsafePointer(to: &entry.pointee.d_name) {
                        $0.withMemoryRebound(to: CChar.self, capacity: 256) {
                            _ = unlinkat(dirfd(directory), $0, 0)
                        }
                    }
                }
                closedir(directory)
            }
            rmdir(folder)
        }
        try body(folder)
    }

    private func link(_ target: String, _ folder: String, _ name: [UInt8]) throws {
        let path = (Array("\(folder)/".utf8) + name + [0]).map { CChar(bitPattern: $0) }
        try #require(symlink(target, path) == 0)
    }

    @Test(arguments: SeededGenerator.seeds(8)) func anyNameIsFound(seed: UInt64) throws {
        let own = try #require(NetworkNamespaces.own)
        var random = SeededGenerator(state: seed)
        for _ in 0..<20 {
            let name = (0..<Int.random(in: 3...255, using: &random)).map { _ in
                var byte: UInt8 = 0
                repeat {
                    byte = UInt8.random(in: 1...255, using: &random)
                } while byte == UInt8(ascii: "/")
                return byte
            }
            try withFolder { folder in
                try link("/proc/self/ns/net", folder, name)
                let found = NetworkNamespaces.names(in: folder)
                #expect(found == [own: String(decoding: name, as: UTF8.self)])
            }
        }
    }

    @Test func nothingElseIsANamespace() throws {
        try withFolder { folder in
            try link("/nowhere", folder, Array("dangling".utf8))
            try link("loop", folder, Array("loop".utf8))
            try link("/etc/passwd", folder, Array("file".utf8))
            try link("/", folder, Array("folder".utf8))
            try link("/proc/self/mem", folder, Array("another".utf8))
            #expect(NetworkNamespaces.names(in: folder) == [:])
        }
        #expect(NetworkNamespaces.names(in: "/nowhere") == [:])
        #expect(NetworkNamespaces.names(in: "/etc/passwd") == [:])
    }

    @Test func theFirstOfSeveralNames() throws {
        let own = try #require(NetworkNamespaces.own)
        try withFolder { folder in
            for name in ["two", "one", "three"] {
                try link("/proc/self/ns/net", folder, Array(name.utf8))
            }
            #expect(NetworkNamespaces.names(in: folder) == [own: "one"])
        }
    }
}
