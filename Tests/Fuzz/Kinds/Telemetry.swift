import DMAController
import DMADev
import DMATelemetry
import DeviceDrivers
import Glibc
import LinuxSystem
import Logging
import TelemetryWire

@testable import TelemetryServer

extension FuzzKind {
    /// Requests to a telemetry server, one a line, with every command over devices in use.
    static let telemetry = FuzzKind(name: "telemetry") { bytes in
        for request in bytes.split(separator: UInt8(ascii: "\n"), maxSplits: 8) {
            TelemetryScene.shared.ask(UnsafeRawBufferPointer(rebasing: request))
        }
    }
}

/// The loop of a server without its thread, one client, and the devices: one that has copied, one that is stopped, one
/// with faults, and one of a controller in a group.
@MainActor
private final class TelemetryScene {
    static let shared = TelemetryScene()

    private let controller: DMAController
    private let registry: DeviceRegistry
    private let loop: ServerLoop
    private let client: ClientConnection
    private let slot: Int
    private let socket: OwnedDescriptor
    private let buffer: UnsafeMutableRawBufferPointer

    private init() {
        let controller = prepared { try DMAController.start(path: "\(FuzzKind.directory)/c") }
        let registry = DeviceRegistry()
        prepared {
            let devices = try DeviceFactory.make(
                [
                    DeviceSpecification("software,name=dma0,vchans=4"),
                    DeviceSpecification("software,name=stopped,capabilities=mem2mem+copy"),
                    DeviceSpecification("fault,name=faulty,every=2:bus_error"),
                    DeviceSpecification("controller,socket=\(controller.path),name=member"),
                ], in: registry)
            for device in [devices[0], devices[2], devices[3]] { try Self.use(device) }
            let domain = DomainID(bytes: [UInt8](repeating: 1, count: 16))
            let token = [UInt8](repeating: 2, count: 16).withUnsafeBytes { AccessToken(bytes: $0) }
            guard let domain, let token else { fail("16 bytes are a domain and a token") }
            _ = try devices[3].createAccessGroup(domain: domain, token: token, limit: 4)
        }
        let pair = prepared { try SequencedPacketSocket.pair(nonblocking: true) }
        // Duplicates: a value of another module cannot be taken apart.
        let (raw, other) = Self.parts(of: pair)
        client = ClientConnection(
            socket: OwnedDescriptor(adopting: raw),
            peer: PeerCredentials(pid: getpid(), uid: geteuid(), gid: getegid()), right: .control)
        socket = OwnedDescriptor(adopting: other)
        let logger = Logger(label: "fuzz") { _ in SwiftLogNoOpLogHandler() }
        loop = prepared {
            let table = try CommandTable(DeviceCommands.table(for: registry, controller: controller))
            let state = ServerState(table: table, access: TelemetryAccess(), configuration: .init(), pid: getpid())
            let root = TelemetryRunDirectory(root: FuzzKind.directory)
            return try ServerLoop(
                listener: TelemetryServer.makeSocket(filePrefix: "fuzz", in: root, TelemetryAccess(), logger: logger),
                state: state,
                stopSignal: StopSignal(), logger: logger)
        }
        slot = loop.state.clients.insert(client)
        buffer = .allocate(byteCount: 2 * TelemetryServer.maximumOutputLength, alignment: 16)
        (self.controller, self.registry) = (controller, registry)
    }

    private static func parts(of pair: consuming DescriptorPair) -> (CInt, CInt) {
        (dup(pair.first.raw), dup(pair.second.raw))
    }

    /// Starts a device with two channels; an operation, and one that is refused.
    private static func use(_ device: DMADevice) throws {
        try device.configure(DeviceConfiguration(virtualChannelCount: 2))
        for vchan in 0..<2 as Range<UInt16> {
            try device.setUpVirtualChannel(vchan, configuration: VirtualChannelConfiguration(descriptorCount: 64))
        }
        try device.start()
        let channel = try device.virtualChannel(0)
        try channel.fill(0, pattern: 0, length: 8, flags: .submit)
        _ = try? channel.fill(0, pattern: 0, length: 0)
    }

    /// One request and its reply, which is always one JSON object with the command as its member.
    func ask(_ request: UnsafeRawBufferPointer) {
        guard !request.isEmpty else { return }
        let room = min(request.count, TelemetryRequest.maximumLength)
        loop.answer(
            UnsafeRawBufferPointer(rebasing: request[..<room]), length: request.count, of: client, in: slot)
        guard case .success(let length) = SequencedPacketSocket.receive(into: buffer, on: socket.raw), length > 0
        else { fail("no reply") }
        require(length <= TelemetryServer.maximumOutputLength + 512, "a reply of \(length) bytes")
        let reply = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<length])
        let text = String(decoding: reply, as: UTF8.self)
        guard let tree = try? JSONValue(parsing: reply).tree else { fail("no JSON: \(text)") }
        let key = TelemetryRequest(UnsafeRawBufferPointer(rebasing: request[..<room])).key
        require(tree.members.map(\.name) == [key], "the members of \(text) are not \"\(key)\"")
    }
}
