import DMADev
import DMAEngine
import Glibc
import LinuxSystem
import SoftwareDriver
import SystemPackage

/// A process that receives a region over the socket at a path, and does what the lines of its input say. Each is
/// answered by a line: `ok …`, or the errno and the sentence.
///
/// - `receive`: receives a region.
/// - `attach`: attaches it; the answer has address, length, offset and first IOVA.
/// - `fill BYTE`: fills it, by a device that has mapped it.
/// - `unmap`, `detach`: end that.
/// - `forget`: drops what was received.
@main
final class MemoryPeer {
    private let socket: OwnedDescriptor
    private let engine: Engine
    private let registry = DeviceRegistry()
    private var received: ReceivedRegion?
    private var region: MemoryRegion?
    private var device: DMADevice?

    private init(_ path: String) throws {
        socket = try SequencedPacketSocket.open()
        engine = try Engine()
        try SequencedPacketSocket.connect(socket, to: path)
    }

    static func main() throws {
        let peer = try MemoryPeer(CommandLine.arguments[1])
        while let line = readLine() {
            let words = line.split(separator: " ")
            do throws(DMAError) {
                print("ok", try peer.perform(words[0], words.dropFirst().first.flatMap { UInt64($0) } ?? 0))
            } catch {
                print(error.errno.rawValue, error.message)
            }
            fflush(nil)
        }
    }

    private func perform(_ command: Substring, _ number: UInt64) throws(DMAError) -> String {
        switch command {
        case "receive": received = try registry.memory.receive(from: socket.raw)
        case "attach":
            guard let received else { break }
            let region = try registry.memory.attach(received)
            self.region = region
            let offset = try region.dmaBufferOffset ?? 0
            return "\(region.address) \(region.byteCount) \(offset) \(try region.iova(of: region.address))"
        case "fill":
            guard let region else { break }
            try fill(region, number)
        case "unmap":
            guard let region else { break }
            try device?.unmapMemory(region)
        case "detach":
            guard let region else { break }
            try registry.memory.detach(region)
        case "forget": received = nil
        default: break
        }
        return ""
    }

    private func fill(_ region: MemoryRegion, _ byte: UInt64) throws(DMAError) {
        let device = try registry.add(SoftwareDevice(engine: engine), named: "peer")
        self.device = device
        try device.configure(DeviceConfiguration(virtualChannelCount: 1))
        try device.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: 32))
        try device.start()
        let iova = try device.mapMemory(region)
        let channel = try device.virtualChannel(0)
        do throws(OperationError) {
            try channel.fill(
                iova, pattern: byte &* 0x0101_0101_0101_0101, length: UInt32(region.byteCount), flags: .submit)
        } catch {
            throw DMAError(.system, error.errno, error.description)
        }
        while try device.status(of: 0) != .idle { sched_yield() }
        guard try device.statistics(of: 0).errors == 0 else { throw DMAError(.system, .ioError, "the fill failed") }
    }
}
