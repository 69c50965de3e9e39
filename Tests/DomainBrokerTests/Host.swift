import DMAController
import DomainTestSupport
import Foundation
import Glibc
import LinuxSystem
import Logging
import TestSupport

/// A controller with guests that are processes: each has a region in a file, and a stream to the host.
final class Host: Sendable {
    let directory: TemporaryDirectory
    let controller: DMAController
    private let bridges: [DomainBridge]
    private let relays: [StreamRelay]
    private let memory: [String]

    init(guests: Int = 1, byteCount: Int = 16 << 20) throws {
        let directory = try TemporaryDirectory()
        self.directory = directory
        memory = try (0..<guests).map { number in
            let path = "/dev/shm/dmascope-test-\(getpid())-\(UInt64.random(in: 0 ... .max))-\(number)"
            guard FileManager.default.createFile(atPath: path, contents: nil), truncate(path, byteCount) == 0 else {
                throw TestSupportError("\(path): \(errno)")
            }
            return path
        }
        var configuration = ControllerConfiguration()
        configuration.osDomains = memory.enumerated().map { OSDomain(name: "guest\($0)", memory: $1) }
        let controller = try DMAController.start(path: directory.file("control"), configuration: configuration)
        self.controller = controller
        let relays = try (0..<guests).map { try StreamRelay(directory, "guest\($0)") }
        self.relays = relays
        let logger = Logger(label: "bridge") { _ in SwiftLogNoOpLogHandler() }
        bridges = try configuration.osDomains.enumerated().map { number, domain in
            try DomainBridge(
                domain: domain, channel: relays[number].hostPath, controller: controller, logger: logger
            ) { prefix in
                let path = directory.file("\(domain.name).\(prefix)")
                return try? ListeningSocket(at: [path], SocketFile.Layout(lockPath: path + ".lock"))
            }
        }
    }

    deinit {
        for bridge in bridges { bridge.stop() }
        controller.stop()
        for path in memory { unlink(path) }
    }

    /// Starts the broker of a guest.
    func start(guest number: Int = 0) throws -> Guest {
        try Guest(
            RunningProgram(
                builtProduct("broker-host"),
                [directory.file("guest\(number).control"), memory[number], relays[number].guestPath]),
            directory.file("guest\(number).control"))
    }

    /// The path that a guest's end of its channel connects to.
    func port(of number: Int = 0) -> String { relays[number].guestPath }

    /// The region of the first guest.
    var memoryPath: String { memory[0] }

    /// Connections of guests and of the host's processes.
    var connections: Int { controller.statistics.connections }
}

/// A process that stands in for a guest: its broker.
final class Guest: Sendable {
    let program: RunningProgram
    /// The broker's control socket.
    let path: String

    init(_ program: RunningProgram, _ path: String) throws {
        self.program = program
        self.path = path
        guard try program.nextLine() == "ready" else { throw TestSupportError("the broker does not start") }
    }

    /// The name that the host has given it, its connections, and the bytes that are allocated.
    func state() throws -> (domain: String, connections: Int, byteCount: Int) {
        program.write("\n")
        let words = try program.nextLine().split(separator: " ").map(String.init)
        guard words.count == 3, let connections = Int(words[1]), let byteCount = Int(words[2]) else {
            throw TestSupportError("the broker says \(words)")
        }
        return (words[0], connections, byteCount)
    }

    /// Waits for the session.
    func connected() throws -> Guest {
        try eventually("the guest is connected") { try state().domain != "-" }
        return self
    }

    /// An application in the guest.
    func member() throws -> MemberProcess { try MemberProcess(path) }

    func kill() throws {
        program.kill(SIGKILL)
        try program.wait()
    }
}
