import ControllerDriver
import DMADev
import DMATelemetry
import Foundation
import GroupTestSupport
import SystemPackage
import TelemetryServer
import TelemetryWire
import TestSupport

/// A machine with DMA devices at work, one of which fails now and then; with two processes in an access group; and with
/// somebody who does not know its token.
final class LiveScene {
    let directory: TemporaryDirectory
    let server: RunningProgram
    /// HOST:PORT of the metrics.
    let address: String
    /// Whether there is a socket of another user: only the superuser can make one.
    static let hasUntrustedSource = geteuid() == 0
    private let members: [Member]

    /// What an application is that uses the controller: a device, and telemetry.
    private final class Member {
        let device: DMADevice
        let memory: SharedBuffer
        private let region: MemoryRegion
        private var attachment: BufferAttachment?
        private let server: TelemetryServer

        init(_ prefix: String, controller path: String, in directory: TelemetryRunDirectory) throws {
            let registry = DeviceRegistry()
            let driver = try ControllerDevice(path: path)
            device = try registry.add(driver, named: "dma-\(prefix)")
            try device.configure(DeviceConfiguration(virtualChannelCount: 1))
            try device.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: 64))
            try device.start()
            memory = try driver.memory.allocate(byteCount: 1 << 16)
            region = try registry.memory.registerMemory(
                at: UInt64(UInt(bitPattern: memory.bytes.baseAddress)), byteCount: 1 << 16)
            server = try TelemetryServer.start(
                filePrefix: prefix, commands: DeviceCommands.table(for: registry), in: directory)
        }

        /// Attaches the device to a buffer whose exporter prefers an interconnect that does not exist.
        func attach() throws {
            attachment = try device.attach(
                WindowPreferringExporter(
                    name: "frames", address: region.address, byteCount: region.byteCount, controllerID: 99))
        }

        func end() {
            server.stop()
            try? attachment?.detach()
            try? device.stop()
            try? device.close()
        }
    }

    init() throws {
        directory = try TemporaryDirectory()
        let run = directory.file("run")
        try FileManager.default.createDirectory(atPath: run, withIntermediateDirectories: false)
        server = try RunningProgram(
            builtProduct("dmascope"),
            [
                "serve", "--listen", "127.0.0.1:0", "--workload", "copy", "--scrape-timeout", "60", "--log-level",
                "critical", "--device", "software,name=dma0", "--device", "software,name=dma1", "--device",
                "fault,name=faulty,every=7:bus_error",
            ], environment: ["RUNTIME_DIRECTORY": run, "NO_COLOR": ""])
        let greeting = try server.waitForOutput(containing: "Ctrl-C ends it.")
        guard let address = greeting.firstMatch(of: #/http:\/\/(127\.0\.0\.1:[0-9]+)\/metrics/#)?.1,
            let controller = greeting.firstMatch(of: #/--device controller,socket=(\S+)/#)?.1
        else { throw TestSupportError("no addresses: \(greeting)") }
        self.address = String(address)
        members = try ["creator", "joiner"].map { prefix in
            try Member(prefix, controller: String(controller), in: TelemetryRunDirectory(root: run))
        }
        try makeGroup()
        try members[0].attach()
        // A directory that nobody can read: a symbolic link to itself.
        symlink("loop", TelemetryRunDirectory(root: run).directory(filePrefix: "loop"))
        if Self.hasUntrustedSource { makeUntrustedSource(in: TelemetryRunDirectory(root: run)) }
    }

    deinit {
        members.forEach { $0.end() }
        server.kill(SIGTERM)
        _ = try? server.wait()
    }

    /// A socket is not connected when its directory belongs to another user, so a file is enough.
    private func makeUntrustedSource(in run: TelemetryRunDirectory) {
        let directory = run.directory(filePrefix: "untrusted")
        mkdir(directory, 0o700)
        close(open(run.socketPath(filePrefix: "untrusted"), O_CREAT | O_RDWR, 0o600))
        chown(directory, 12345, 12345)
    }

    private func makeGroup() throws {
        let token = AccessToken.random()
        let group = try members[0].device.createAccessGroup(domain: .random(), token: token)
        // A failed call in one process, and a denied join in the other.
        do {
            try members[1].device.joinAccessGroup(group, domain: .random(), token: .random())
            throw TestSupportError("somebody without the token has joined")
        } catch let error as DMAError where error.errno == .permissionDenied {}
        try members[1].device.joinAccessGroup(group, domain: .random(), token: token)
        let bytes = members[1].memory.bytes
        let memory = WindowMemory(
            address: UInt64(UInt(bitPattern: bytes.baseAddress)), length: UInt64(bytes.count))
        _ = try members[1].device.registerWindow(memory, rights: [.read], in: group)
    }
}
