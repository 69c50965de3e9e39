import DMADev
import Glibc
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

/// A region between two programs.
@Suite struct MemoryProcessTests {
    private let table = DeviceRegistry().memory

    /// A `memory-peer` that is connected to this process.
    private final class Peer {
        let program: RunningProgram
        let socket: OwnedDescriptor

        init() throws {
            let directory = try TemporaryDirectory()
            let path = directory.file("socket")
            let listener = try SequencedPacketSocket.open()
            try SequencedPacketSocket.bind(listener, to: path, mode: [.ownerReadWrite])
            try SequencedPacketSocket.listen(listener)
            program = try RunningProgram(builtProduct("memory-peer"), [path])
            socket = try SequencedPacketSocket.accept(listener)
        }

        /// The words of the answer.
        func ask(_ command: String) throws -> [UInt64] {
            program.write(command + "\n")
            let answer = try program.nextLine()
            let words = answer.split(separator: " ")
            try #require(words.first == "ok", "\(command): \(answer)")
            return words.dropFirst().compactMap { UInt64($0) }
        }

        /// The errno of a refusal.
        func refuse(_ command: String) throws -> Int32 {
            program.write(command + "\n")
            let answer = try program.nextLine()
            return try #require(answer.split(separator: " ").first.flatMap { Int32($0) }, "\(command): \(answer)")
        }
    }

    @Test("A program attaches what another one sends, and its device writes there")
    func twoPrograms() throws {
        let peer = try Peer()
        let memory = try TestMemory(pages: 8, first: 3)
        let region = try memory.register(in: table, iovas: (1...5).map { $0 << 20 })
        try table.send(region, over: peer.socket.raw)
        _ = try peer.ask("receive")
        let attached = try peer.ask("attach")
        let expected: [UInt64] = [20480, 12288, 1_048_576]
        #expect(Array(attached.dropFirst()) == expected)
        #expect(region.currentUses == [.process(peer.program.processID)])
        _ = try peer.ask("fill 171")
        #expect(memory.mapping.bytes.allSatisfy { $0 == 171 })
        #expect(try peer.refuse("detach") == EBUSY)
        _ = try peer.ask("unmap")
        let message = refused(.resourceBusy) { try table.unregister(region) }
        #expect(message.contains("process \(peer.program.processID)"))
        _ = try peer.ask("detach")
        try table.unregister(region)
    }

    @Test("A program that dies has detached", arguments: ["receive", "attach", "fill 5"])
    func death(last: String) throws {
        let peer = try Peer()
        let memory = try TestMemory()
        let region = try memory.register(in: table)
        try table.send(region, over: peer.socket.raw)
        for command in ["receive", "attach", "fill 5"] {
            _ = try peer.ask(command)
            if command == last { break }
        }
        #expect(region.currentUses.count == (last == "receive" ? 0 : 1))
        peer.program.kill(SIGKILL)
        try peer.program.wait()
        #expect(region.currentUses.isEmpty)
        try table.unregister(region)
    }

    @Test("What the sender has unregistered before is not attached, and what it closes after stays")
    func order() throws {
        let peer = try Peer()
        let memory = try TestMemory()
        let region = try memory.register(in: table)
        try table.send(region, over: peer.socket.raw)
        _ = try peer.ask("receive")
        try table.unregister(region)
        #expect(try peer.refuse("attach") == ENOENT)
        _ = try peer.ask("forget")
        let again = try memory.register(in: table)
        try table.send(again, over: peer.socket.raw)
        _ = try peer.ask("receive")
        _ = try peer.ask("attach")
        #expect(try peer.refuse("attach") == EINVAL)
        _ = try peer.ask("detach")
        try table.unregister(again)
    }
}
