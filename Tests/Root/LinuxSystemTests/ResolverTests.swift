import Glibc
import PortModel
import Testing

@testable import LinuxSystem

/// A resolver whose name server is the test, which answers when it likes, or never.
@Suite(.timeLimit(.minutes(1))) final class ResolverTests {
    private let resolver: Resolver
    private let server: FileDescriptor

    private static let address = IPAddress(v4: 0x0a00_0009)

    init() throws {
        var ends: [Int32] = [-1, -1]
        let type = Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        try #require(socketpair(AF_UNIX, type, 0, &ends) == 0)
        server = FileDescriptor(owning: ends[1])
        resolver = Resolver(asking: FileDescriptor(owning: ends[0]))
    }

    private func nextRequest() -> IPAddress? {
        var bytes = [UInt8](repeating: 0, count: 64)
        guard recv(server.raw, &bytes, bytes.count, 0) == 16 else { return nil }
        return IPAddress(networkBytes: bytes[..<16])
    }

    private func answer(_ bytes: [UInt8]) throws {
        try #require(send(server.raw, bytes, bytes.count, 0) == bytes.count)
    }

    private func answer(_ address: IPAddress, _ name: String) throws {
        try answer(address.networkBytes + Array(name.utf8))
    }

    @Test func aNameIsKnownOnceItWasAnswered() throws {
        #expect(resolver.name(of: Self.address) == nil)
        #expect(nextRequest() == Self.address)
        #expect(resolver.name(of: Self.address) == nil)
        try answer(Self.address, "db.test")
        #expect(resolver.name(of: Self.address) == "db.test")
        #expect(resolver.name(of: Self.address) == "db.test")
        #expect(nextRequest() == nil)
    }

    /// A server that hangs: the queue is full at some point, and nobody waits for it.
    @Test func nobodyWaits() {
        for number in 0..<20_000 as Range<UInt32> {
            #expect(resolver.name(of: IPAddress(v4: number)) == nil)
        }
        var requests = 0
        while nextRequest() != nil { requests += 1 }
        #expect((1..<2000).contains(requests))
        // What found the queue full is asked for once it has room.
        #expect(resolver.name(of: IPAddress(v4: 19_999)) == nil)
        #expect(nextRequest() == IPAddress(v4: 19_999))
    }

    @Test(arguments: ["", "10.0.0.1", "::1"]) func whatIsNoNameIsNotAskedForAgain(text: String)
        throws
    {
        #expect(resolver.name(of: Self.address) == nil)
        #expect(nextRequest() == Self.address)
        try answer(Self.address, text)
        #expect(resolver.name(of: Self.address) == nil)
        #expect(resolver.name(of: Self.address) == nil)
        #expect(nextRequest() == nil)
    }

    @Test(arguments: [[], [1, 2, 3]] as [[UInt8]]) func answersMayBeBroken(bytes: [UInt8]) throws {
        #expect(resolver.name(of: Self.address) == nil)
        try answer(bytes)
        #expect(resolver.name(of: Self.address) == nil)
        try answer(Self.address.networkBytes + [0xff])
        #expect(resolver.name(of: Self.address) == "\u{fffd}")
    }

    @Test func namesAreForgottenBeforeTheyAreTooMany() throws {
        for number in 0..<5000 as Range<UInt32> {
            let address = IPAddress(v4: number)
            #expect(resolver.name(of: address) == nil)
            #expect(nextRequest() == address)
            try answer(address, "n\(number)")
            #expect(resolver.name(of: address) == "n\(number)")
        }
        #expect(resolver.name(of: IPAddress(v4: 4999)) == "n4999")
        #expect(resolver.name(of: IPAddress(v4: 0)) == nil)
        #expect(nextRequest() == IPAddress(v4: 0))
    }

    @Test func withoutAServerThereAreNoNames() {
        shutdown(server.raw, Int32(SHUT_RDWR))
        #expect(resolver.name(of: Self.address) == nil)
        #expect(resolver.name(of: Self.address) == nil)
    }

    @Test func addressesAreSentInNetworkOrder() {
        let address = IPAddress(high: 0x2001_0db8_0001_0002, low: 0x0003_0004_0005_0006)
        #expect(address.networkBytes == [0x20, 1, 0x0d, 0xb8, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6])
        #expect(IPAddress(networkBytes: address.networkBytes[...]) == address)
    }
}
