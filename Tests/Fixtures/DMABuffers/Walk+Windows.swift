import ControllerDriver
import DMAController
import DMADev
import Glibc
import LinuxSystem
import SystemPackage

/// Windows of another process through a controller.
extension Walk {
    /// A device copies from the window of another process into a buffer of this one, until that process is killed.
    func copyFromWindow() throws {
        let directory = "/tmp/dma-buffers.\(getpid())"
        try DMABuffers.require(mkdir(directory, 0o700) == 0, "\(directory): \(Errno(rawValue: errno))")
        defer { rmdir(directory) }
        let controller = try DMAController.start(path: "\(directory)/control")
        defer { controller.stop() }
        let pair = try SequencedPacketSocket.pair()
        let owner = try OtherProcess(
            CommandLine.arguments[0], "owner", controller.path, kind.rawValue,
            descriptors: [STDOUT_FILENO: pair.second.raw])
        var isRunning = true
        defer { if isRunning { owner.end(by: SIGKILL) } }
        let window = try WindowOwner.Window(from: pair.first.raw)

        let buffer = try MappedBuffer(try kind.make(name: "to", byteCount: byteCount), byteCount: byteCount)
        // The controller allocates no page of a file.
        try buffer.fill(1)
        let registry = DeviceRegistry()
        let device = try registry.add(ControllerDevice(path: controller.path), named: "copier")
        let own = try device.joinAccessGroup(window.group, domain: .random(), token: WindowOwner.token)
        try device.configure(DeviceConfiguration(virtualChannelCount: 1))
        try device.setUpVirtualChannel(
            0,
            configuration: VirtualChannelConfiguration(
                descriptorCount: 32,
                domain: InterDomain(type: .process, sourceHandler: window.handler, destinationHandler: own)))
        try device.start()
        let region = try registry.memory.registerDMABuffer(
            buffer.file.raw, at: buffer.address, byteCount: UInt64(byteCount))
        let iova = try device.mapMemory(region)
        let channel = try device.virtualChannel(0)
        func copy() throws -> CompletionStatus {
            try channel.copy(from: window.iova, to: iova, length: UInt32(byteCount), flags: .submit)
            let statuses = UnsafeMutableBufferPointer<CompletionStatus>.allocate(capacity: 1)
            defer { statuses.deallocate() }
            while try channel.completedStatus(into: statuses).count == 0 { usleep(100) }
            return statuses[0]
        }
        var status = try copy()
        try DMABuffers.require(status == .successful, "the copy ended with \(status)")
        try DMABuffers.require(try buffer.holds(WindowOwner.byte), "the copy has other bytes")

        // The process that dies has left its group: a copy that begins after the notice does not reach its memory.
        owner.end(by: SIGKILL)
        isRunning = false
        let deadline = MonotonicTime.now.advanced(by: .seconds(20))
        while status == .successful, deadline > .now { status = try copy() }
        try DMABuffers.require(status == .userAbort, "after the owner's end the copy ended with \(status)")
        try buffer.fill(0)
        for _ in 0..<100 { try DMABuffers.require(try copy() == .userAbort, "a copy reached memory that is gone") }
        try DMABuffers.require(try buffer.holds(0), "bytes came from memory that is gone")
        try device.stop()
        try device.unmapMemory(region)
        try registry.memory.unregister(region)
        try device.close()
        DMABuffers.say("copied from a window")
    }
}

/// The other process of ``Walk/copyFromWindow()``: it has a buffer, and a window over it, until it is killed.
enum WindowOwner {
    static let byte: UInt8 = 0x3C
    static var token: AccessToken {
        // The length is that of a token.
        Array(repeating: UInt8(7), count: AccessToken.byteCount).withUnsafeBytes {
            AccessToken(bytes: $0).unsafelyUnwrapped
        }
    }

    /// What it prints.
    struct Window {
        let group: AccessGroupID
        let handler: DomainHandler
        let iova: UInt64

        init(from descriptor: CInt) throws {
            var text = [UInt8](repeating: 0, count: 128)
            let count = text.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            let numbers = String(decoding: text.prefix(max(count, 0)), as: UTF8.self)
                .split(whereSeparator: \.isWhitespace).compactMap { UInt64($0) }
            try DMABuffers.require(numbers.count == 3, "the window's owner said nothing")
            group = AccessGroupID(numbers[0])
            handler = DomainHandler(numbers[1])
            iova = numbers[2]
        }
    }

    static func run(path: String, kind: BufferKind) throws {
        let buffer = try MappedBuffer(try kind.make(name: "from", byteCount: Peer.byteCount), byteCount: Peer.byteCount)
        try buffer.fill(byte)
        let device = try DeviceRegistry.shared.add(ControllerDevice(path: path), named: "owner")
        let domain = DomainID.random()
        let group = try device.createAccessGroup(domain: domain, token: token)
        let window = try device.registerWindow(
            WindowMemory(address: buffer.address, length: UInt64(Peer.byteCount), descriptor: buffer.file.raw),
            rights: .read, in: group)
        DMABuffers.say("\(group) \(window.handler) \(window.iova)")
        while true { pause() }
    }
}
