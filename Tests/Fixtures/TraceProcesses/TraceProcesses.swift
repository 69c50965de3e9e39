import ControllerDriver
import DMAController
import DMADev
import DMAEngine
import DeviceDrivers
import FaultDriver
import Glibc

/// Processes whose engines' events have to be joined with their calls.
///
/// - `host PATH COUNT`: a controller at the path, and a device of its own with one channel that makes COUNT copies.
/// - `application PATH COUNT`: a device of the controller with two channels: COUNT copies on the first, a fourth of them
///   on the second. It does so again after each line on its standard input, with a new connection.
/// - `victim PATH COUNT`: the same once. Then it rings a last doorbell, for 500 copies that its plan of faults holds up,
///   and waits to be killed.
///
/// All say `ready` when the copies are made. The first two end with their standard input, and then print the counters of
/// their device: `counters PID SUBMITTED COMPLETED ERRORS BYTES LATENCIES`.
@main
struct TraceProcesses {
    /// One of so many operations has a destination that no device reaches, and this length, which no other has.
    static let failingEvery = 1000
    static let failingLength: UInt32 = 7

    static func main() throws {
        let (mode, path) = (CommandLine.arguments[1], CommandLine.arguments[2])
        let count = Int(CommandLine.arguments[3]) ?? 0
        switch mode {
        case "host": try host(path, count)
        case "application", "victim": try application(path, count, isVictim: mode == "victim")
        default: exit(2)
        }
    }

    private static func host(_ path: String, _ count: Int) throws {
        let controller = try DMAController.start(path: path)
        let device = try DeviceFactory.make([DeviceSpecification("software")], in: DeviceRegistry())[0]
        try start(device, vchans: 1)
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 4096, alignment: 64)
        memory.initializeMemory(as: UInt8.self, repeating: 1, count: 4096)
        try copy([(device.virtualChannel(0), count)], UInt64(UInt(bitPattern: memory)))
        say("ready")
        while readLine() != nil {}
        controller.stop()
        try end(device)
    }

    private static func application(_ path: String, _ count: Int, isVictim: Bool) throws {
        let driver = try ControllerDevice(path: path)
        if isVictim {
            _ = try FaultDevice.make(driver, plan: FaultPlan(freeze: FaultPlan.Outage(from: UInt64(count) + 1)))
        }
        let device = try DeviceRegistry().add(driver, named: "dma")
        let buffer = try driver.memory.allocate(byteCount: 4096)
        repeat {
            try start(device, vchans: 2)
            let base = try device.mapMemory(buffer.bytes)
            try copy([(device.virtualChannel(0), count), (device.virtualChannel(1), count / 4)], base)
            if isVictim {
                let channel = try device.virtualChannel(0)
                for _ in 0..<500 { try channel.copy(from: base, to: base + 2048, length: 64) }
                try channel.submit()
            }
            say("ready")
            while isVictim { pause() }
            let line = readLine()
            // The controller may be gone.
            try device.stop()
            if line == nil { break }
        } while true
        try end(device)
    }

    private static func start(_ device: DMADevice, vchans: UInt16) throws {
        try device.configure(DeviceConfiguration(virtualChannelCount: vchans))
        for vchan in 0..<vchans {
            try device.setUpVirtualChannel(vchan, configuration: VirtualChannelConfiguration(descriptorCount: 1024))
        }
        try device.start()
    }

    /// Copies, in bursts of 1 to 64, on all channels in turn.
    private static func copy(_ work: [(channel: VirtualChannel, count: Int)], _ base: UInt64) throws {
        var enqueued = work.map { _ in 0 }
        var finished = enqueued
        while zip(finished, work).contains(where: { $0 < $1.count }) {
            for (place, (channel, count)) in work.enumerated() {
                let burst = min(enqueued[place] % 64 + 1, count - enqueued[place])
                if burst > 0, try channel.burstCapacity >= burst {
                    for number in enqueued[place]..<enqueued[place] + burst {
                        if number % failingEvery == failingEvery - 1 {
                            try channel.copy(from: base, to: 1 << 60, length: failingLength)
                        } else {
                            try channel.copy(from: base, to: base + 2048, length: UInt32(64 + number % 64))
                        }
                    }
                    try channel.submit()
                    enqueued[place] += burst
                }
                var statuses = [CompletionStatus](repeating: .successful, count: 256)
                finished[place] += try statuses.withUnsafeMutableBufferPointer { statuses throws(OperationError) in
                    try channel.completedStatus(into: statuses).count
                }
            }
        }
    }

    private static func end(_ device: DMADevice) throws {
        if try device.info.isStarted { try device.stop() }
        let channels = (0..<UInt16(2)).compactMap { device.view.counters(of: $0) }
        func sum(_ value: (ChannelCounters) -> UInt64) -> UInt64 { channels.reduce(0) { $0 + value($1) } }
        let all = try device.statistics
        say(
            "counters \(getpid()) \(all.submitted) \(all.completed) \(all.errors) \(sum { $0["bytes"] ?? 0 }) "
                + "\(sum(\.latency.count))")
        try device.close()
    }

    private static func say(_ text: String) {
        print(text)
        fflush(nil)
    }
}
