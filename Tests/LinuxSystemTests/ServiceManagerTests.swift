import Glibc
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

/// The messages to a service manager, read at a real socket.
@Suite struct ServiceManagerTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
    }

    /// What arrives at the socket of a manager.
    private static func message(_ socket: borrowing OwnedDescriptor) -> String {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let raw = socket.raw
        let count = recv(raw, &buffer, buffer.count, 0)
        return String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self)
    }

    private static func listen(at path: String) throws -> OwnedDescriptor {
        let socket = OwnedDescriptor(adopting: socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue), 0))
        try SequencedPacketSocket.bind(socket, to: path, mode: [.ownerReadWrite])
        return socket
    }

    @Test func messagesArriveAtAPath() throws {
        let path = directory.file("notify")
        let socket = try Self.listen(at: path)
        let manager = try ServiceManager(address: path)
        manager.notifyReady(status: "two\nlines")
        #expect(Self.message(socket) == "READY=1\nSTATUS=two lines")
        manager.notifyStatus("s")
        #expect(Self.message(socket) == "STATUS=s")
        manager.confirmLife()
        #expect(Self.message(socket) == "WATCHDOG=1")
        manager.notifyStopping()
        #expect(Self.message(socket).hasPrefix("STOPPING=1\n"))
    }

    @Test func messagesArriveAtAnAbstractAddress() throws {
        let name = "dmascope-test-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        let script = """
            import socket, sys
            s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind("\\0" + sys.argv[1]); print("bound", flush=True)
            print(s.recv(100).decode(), flush=True)
            """
        let program = try RunningProgram("/usr/bin/python3", ["-c", script, name])
        #expect(try program.nextLine() == "bound")
        try ServiceManager(address: "@" + name).confirmLife()
        #expect(try program.nextLine() == "WATCHDOG=1")
    }

    @Test func anAddressThatCannotBeUsedIsAnError() {
        for address in ["", directory.file("none"), String(repeating: "x", count: 200), "@"] {
            #expect(throws: Errno.self, "\(address)") { _ = try ServiceManager(address: address) }
        }
    }

    @Test func aManagerThatHasGoneHoldsNothingUp() throws {
        let path = directory.file("notify")
        let manager: ServiceManager
        do {
            let socket = try Self.listen(at: path)
            manager = try ServiceManager(address: path)
            _ = consume socket
        }
        manager.confirmLife()
        manager.notifyStopping()
    }
}
