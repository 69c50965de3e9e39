import ControllerDriver
import DMADev
import Glibc
import LinuxSystem
import SystemPackage

/// A dma-buf whose fence is not signalled: a controller fails the operations of its owner, serves another user meanwhile,
/// and ends.
enum Stall {
    private static let path = "/run/dmascope/stall.control"
    /// A user without rights.
    private static let nobody: UInt32 = 65534

    /// - Parameter program: `dmascope`, which runs the controller.
    static func run(program: String) throws {
        let controller = try OtherProcess(
            program, "serve", "--listen", "off", "--file-prefix", "stall", "--exporter", VirtualGEMBuffer.exporter,
            "--controller-group", "nogroup")
        let deadline = MonotonicTime.now.advanced(by: .seconds(30))
        while access(path, F_OK) != 0, deadline > .now { usleep(10_000) }

        let buffer = try VirtualGEMBuffer(byteCount: Peer.byteCount)
        try DMABuffers.require(
            try DMABuffer(of: buffer.file.raw)?.exporter == VirtualGEMBuffer.exporter, "another exporter")
        let plain = try BufferKind.memfd.make(name: "plain", byteCount: Peer.byteCount)
        let lane = try CopyLane(buffer.file, plain, path: path)
        // The driver displaces the offset of its mappings.
        try DMABuffers.require(
            lane.regions[0].file?.isVerified == false && lane.regions[1].file?.isVerified == true,
            "the mappings are verified: \(lane.regions.map { $0.file?.isVerified })")
        for isBack in [false, true] {
            let status = try lane.copy(isBack: isBack)
            try DMABuffers.require(status == .successful, "without a fence, a copy ended with \(status)")
        }
        let healthy = try Peer("user")
        try DMABuffers.require(try healthy.report().count > 0, "the other user's copies do not go on")

        try buffer.addFence()
        let (first, wait) = try timed { try lane.copy(isBack: false) }
        try DMABuffers.require(
            first == .busReadError && wait > .milliseconds(900), "the first copy ended with \(first) after \(wait)")
        let (_, rest) = try timed {
            for _ in 0..<20 {
                let (from, to) = (try lane.copy(isBack: false), try lane.copy(isBack: true))
                try DMABuffers.require(
                    from == .busReadError && to == .busWriteError, "further copies ended with \(from) and \(to)")
            }
        }
        let report = try healthy.report()
        DMABuffers.say(
            "first \(wait), 40 more \(rest), other user \(report.count), of which the longest \(report.longest)")
        // With the timeout of each, they would take 40 seconds.
        try DMABuffers.require(rest < .seconds(4), "40 further copies took \(rest)")
        try DMABuffers.require(
            report.count >= 20 && report.longest < .milliseconds(900), "the other user was late")
        try healthy.end()

        let (status, end) = timed { controller.end(by: SIGTERM) }
        try DMABuffers.require(
            status == 0 && end < .seconds(2), "the controller ended with wait status \(status) after \(end)")
        try DMABuffers.require(buffer.isWritten, "the fence was signalled before all this had ended")
        DMABuffers.say("ended \(end)")
        try lane.close()
        DMABuffers.say("stalled")
    }

    private static func timed<Result>(_ body: () throws -> Result) rethrows -> (Result, Duration) {
        let start = MonotonicTime.now
        let result = try body()
        return (result, .nanoseconds(MonotonicTime.now.nanoseconds(since: start)))
    }

    // MARK: The other user

    /// What the other user has done.
    fileprivate struct Report {
        var count = 0
        var longest = Duration.zero
    }

    /// In the other process: copies as another user, and reports for each message.
    static func serve() throws {
        try tryingSystemCall { setgid(nobody) }
        try tryingSystemCall { setuid(nobody) }
        let from = try BufferKind.memfd.make(name: "from", byteCount: Peer.byteCount)
        let to = try BufferKind.memfd.make(name: "to", byteCount: Peer.byteCount)
        let lane = try CopyLane(from, to, path: path)
        var report = Report()
        while true {
            let (status, time) = try timed { try lane.copy(isBack: false) }
            try DMABuffers.require(status == .successful, "a copy of the other user ended with \(status)")
            report.count += 1
            report.longest = max(report.longest, time)
            var watched = pollfd(fd: Peer.socket, events: Int16(POLLIN), revents: 0)
            guard poll(&watched, 1, 0) == 1 else { continue }
            var message: UInt8 = 0
            guard read(Peer.socket, &message, 1) == 1 else { break }
            _ = withUnsafeBytes(of: report) { write(Peer.socket, $0.baseAddress, $0.count) }
            report = Report()
        }
        try lane.close()
    }
}

extension Peer {
    /// What the other user has done since it started, or was asked before.
    fileprivate func report() throws -> Stall.Report {
        var (message, report) = (UInt8(0), Stall.Report())
        let socket = self.socket.raw
        let isComplete = withUnsafeMutableBytes(of: &report) {
            write(socket, &message, 1) == 1 && read(socket, $0.baseAddress, $0.count) == $0.count
        }
        try DMABuffers.require(isComplete, "the other user has ended")
        return report
    }
}

/// A device of a controller, which copies between two buffers.
private final class CopyLane {
    private let device: DMADevice
    private let channel: VirtualChannel
    let regions: [MemoryRegion]
    private let addresses: [UInt64]
    private let mappings: [SharedMapping]

    init(_ first: borrowing OwnedDescriptor, _ second: borrowing OwnedDescriptor, path: String) throws {
        let registry = DeviceRegistry()
        let device = try registry.add(ControllerDevice(path: path), named: "lane")
        try device.configure(DeviceConfiguration(virtualChannelCount: 1))
        try device.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: 32))
        try device.start()
        var (mappings, regions): ([SharedMapping], [MemoryRegion]) = ([], [])
        for file in [first.raw, second.raw] {
            let mapping = try SharedMapping(of: file, byteCount: Peer.byteCount, isWritable: true)
            // The controller allocates no page of a file.
            _ = mapping.bytes.initializeMemory(as: UInt8.self, repeating: 1)
            mappings.append(mapping)
            regions.append(
                try registry.memory.registerDMABuffer(
                    file, at: UInt64(UInt(bitPattern: mapping.bytes.baseAddress)), byteCount: UInt64(Peer.byteCount)))
        }
        addresses = try regions.map { try device.mapMemory($0) }
        channel = try device.virtualChannel(0)
        self.device = device
        self.regions = regions
        self.mappings = mappings
    }

    /// Copies from the first to the second, or back.
    func copy(isBack: Bool) throws -> CompletionStatus {
        try channel.copy(
            from: addresses[isBack ? 1 : 0], to: addresses[isBack ? 0 : 1], length: UInt32(Peer.byteCount),
            flags: .submit)
        var statuses = [CompletionStatus.successful]
        while try statuses.withUnsafeMutableBufferPointer({ try channel.completedStatus(into: $0) }).count == 0 {
            usleep(100)
        }
        return statuses[0]
    }

    func close() throws {
        try device.stop()
        try device.close()
    }
}
