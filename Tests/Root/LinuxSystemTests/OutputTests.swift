import Foundation
import LinuxSystem
import TestSupport
import Testing

/// A line is written whole, in its turn, or it is counted as dropped.
@Suite struct OutputTests {
    /// Unoptimised code has closed descriptor 0, as one that was not there yet.
    @Test func onlyWhatWasOpenedIsClosed() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
        let isOpen = fcntl(0, F_GETFD) >= 0
        do {
            let output = try Output(creating: path, ifFull: "")
            defer { output.remove() }
            _ = try Input(path)
        }
        #expect((fcntl(0, F_GETFD) >= 0) == isOpen)
    }

    @Test(arguments: SeededGenerator.seeds(2), [true, false])
    func noLineIsUnaccountedFor(seed: UInt64, throughPipe: Bool) throws {
        var random = SeededGenerator(state: seed)
        var ends: [Int32] = [-1, -1]
        try #require(
            (throughPipe
                ? pipe(&ends) : socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends)) == 0)
        defer { close(ends[0]) }
        try #require(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0)
        var output = try Output(ends[1])
        var got: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 17)
        func readSome() -> Bool {
            let count = read(ends[0], &chunk, chunk.count)
            got += chunk.prefix(max(0, count))
            return count > 0
        }
        var last = 0
        for phase in 0..<4 {
            // The reader is away in every other phase.
            for _ in 0..<700 {
                last += 1
                let padding = String(repeating: "x", count: .random(in: 0...4000, using: &random))
                try output.append(Array("\(last) \(padding)\n".utf8))
                if random.chance(30) { try output.flush() }
                if phase % 2 == 1, random.chance(20) { _ = readSome() }
            }
        }
        let dropped = output.dropped
        #expect(dropped > 0)
        try output.append(Array("end\n".utf8), always: true)
        while output.isWaiting {
            _ = readSome()
            try output.flush()
        }
        while readSome() {}
        close(ends[1])
        let lines = String(decoding: got, as: UTF8.self).split(separator: "\n")
        #expect(lines.count + dropped == last + 1)
        #expect(lines.last == "end")
        let numbers = lines.dropLast().compactMap {
            $0.split(separator: " ").first.flatMap { Int($0) }
        }
        #expect(numbers.count == lines.count - 1)
        #expect(zip(numbers, numbers.dropFirst()).allSatisfy { $0 < $1 })
    }
}
