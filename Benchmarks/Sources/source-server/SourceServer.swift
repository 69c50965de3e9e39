import DMADev
import DMAEngine
import DMATelemetry
import Foundation
import SoftwareDriver
import TelemetryServer
import TelemetryWire

/// Many telemetry sources in one process: `source-server ROOT FIRST COUNT CHANNELS`.
///
/// Each source is a server of its own, with a socket, a thread, a registry and a device, `sourceFIRST` and so on below ROOT.
/// Every channel has copied. Prints `ready` and ends when its standard input does.
@main
struct SourceServer {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 5, let first = Int(arguments[2]), let count = Int(arguments[3]),
            let channelCount = UInt16(arguments[4])
        else { exit(64) }
        let root = TelemetryRunDirectory(root: arguments[1])
        // The devices share one engine: only their telemetry is measured.
        let engine = try Engine()
        var sources: [(device: DMADevice, server: TelemetryServer)] = []
        for number in first..<first + count {
            let registry = DeviceRegistry()
            let device = try registry.add(SoftwareDevice(engine: engine), named: "dma0")
            try start(device, channelCount)
            sources.append(
                (
                    device,
                    try TelemetryServer.start(
                        filePrefix: "source\(number)", commands: DeviceCommands.table(for: registry), in: root)
                ))
        }
        print("ready")
        fflush(nil)
        while readLine() != nil {}
        for (device, server) in sources {
            server.stop()
            try device.stop()
            try device.close()
        }
    }

    private static func start(_ device: DMADevice, _ channelCount: UInt16) throws {
        try device.configure(DeviceConfiguration(virtualChannelCount: channelCount))
        for vchan in 0..<channelCount {
            try device.setUpVirtualChannel(vchan, configuration: VirtualChannelConfiguration(descriptorCount: 64))
        }
        try device.start()
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 128, alignment: 64)
        memory.initializeMemory(as: UInt8.self, repeating: 7, count: 128)
        defer { memory.deallocate() }
        let address = UInt64(UInt(bitPattern: memory))
        for vchan in 0..<channelCount {
            let channel = try device.virtualChannel(vchan)
            for _ in 0..<16 { try channel.copy(from: address, to: address + 64, length: 64) }
            try channel.submit()
            var finished = 0
            while finished < 16 { finished += Int(try channel.completed(upTo: 16).count) }
        }
    }
}
