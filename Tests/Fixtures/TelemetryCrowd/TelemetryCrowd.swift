import DMADev
import DMAEngine
import DMATelemetry
import Glibc
import SoftwareDriver
import TelemetryServer
import TelemetryWire

/// Many sources in one process: `telemetry-crowd ROOT COUNT [CHANNELS]`.
///
/// Each is a telemetry server with a socket and a thread of its own, `app0` to the last one below ROOT; all tell of the
/// same device, each channel of which has copied once. It says `ready`, and ends when its standard input does.
@main
struct TelemetryCrowd {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count >= 3, let count = Int(arguments[2]),
            let channelCount = arguments.count > 3 ? UInt16(arguments[3]) : 1
        else { exit(2) }
        let root = TelemetryRunDirectory(root: arguments[1])
        let registry = DeviceRegistry()
        var options = SoftwareDevice.Options()
        options.maximumVirtualChannelCount = max(options.maximumVirtualChannelCount, channelCount)
        let device = try registry.add(SoftwareDevice(engine: Engine(), options: options), named: "dma0")
        try device.configure(DeviceConfiguration(virtualChannelCount: channelCount))
        for vchan in 0..<channelCount {
            try device.setUpVirtualChannel(vchan, configuration: VirtualChannelConfiguration(descriptorCount: 64))
        }
        try device.start()
        for vchan in 0..<channelCount { try copyOnce(device.virtualChannel(vchan)) }

        let servers = try (0..<count).map { number in
            try TelemetryServer.start(
                filePrefix: "app\(number)", commands: DeviceCommands.table(for: registry), in: root)
        }
        print("ready")
        fflush(nil)
        while readLine() != nil {}
        servers.forEach { $0.stop() }
        try device.stop()
        try device.close()
    }

    private static func copyOnce(_ channel: VirtualChannel) throws {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 128, alignment: 64)
        memory.initializeMemory(as: UInt8.self, repeating: 7, count: 128)
        defer { memory.deallocate() }
        let address = UInt64(UInt(bitPattern: memory))
        try channel.copy(from: address, to: address + 64, length: 64, flags: .submit)
        while try channel.completed(upTo: 1).count == 0 { sched_yield() }
    }
}
