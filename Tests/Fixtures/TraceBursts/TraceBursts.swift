import ControllerDriver
import DMADev
import DMATelemetry
import DeviceDrivers
import LinuxSystem
import TelemetryServer
import TestSupport

/// A program that keeps a device busy, and prints what a trace of its bursts has to hold.
///
/// - `random DEVICE MODE SEED COUNT`: at least COUNT random operations on two channels, in random bursts; DEVICE is a
///   specification, or the path of a controller's socket; MODE is `plain`, `silent` or `operations`. Prints each as
///   ``RandomLoad`` says.
/// - `workloads DEVICE SEED COUNT`: as many short random loads, each with a device of its own and in a random mode, which is
///   restarted now and then; `fault` gets a random plan of faults for each. Prints only the counters of each, followed by
///   the number of starts.
/// - `copies COUNT`: that many copies of 64 bytes, 32 a doorbell.
/// - `frozen COUNT`: rings for as many copies on a channel that executes none, and stops: all are aborted.
/// - `serve PREFIX COUNT`: the same with telemetry. It says `ready` when they are made, and makes as many after each line of
///   its standard input.
/// - `late COUNT`: enqueues as many copies, says `ready`, and rings when its standard input ends.
///
/// In the end each prints `counters SUBMITTED COMPLETED ERRORS NANOSECONDS`, the last from the first call on.
@main
struct TraceBursts {
    static func main() throws {
        let arguments = Array(CommandLine.arguments.dropFirst())
        switch (arguments.first, arguments.count) {
        case ("random", 5):
            var load = try RandomLoad(arguments[1], mode: arguments[2], seed: UInt64(arguments[3]) ?? 0)
            try load.run(atLeast: Int(arguments[4]) ?? 0)
        case ("workloads", 4):
            try runWorkloads(arguments[1], seed: UInt64(arguments[2]) ?? 0, count: UInt64(arguments[3]) ?? 0)
        case ("copies", 2):
            try copy(Int(arguments[1]) ?? 0)
        case ("frozen", 2):
            try abort(Int(arguments[1]) ?? 0)
        case ("serve", 3):
            try serve(arguments[1], Int(arguments[2]) ?? 0)
        case ("late", 2):
            try ringLate(Int(arguments[1]) ?? 0)
        default:
            print(
                "usage: trace-bursts random DEVICE MODE SEED COUNT | workloads DEVICE SEED COUNT | copies COUNT | "
                    + "frozen COUNT | serve PREFIX COUNT | late COUNT")
        }
    }

    /// Makes a device, and starts it.
    static func start(
        _ specification: String, vchans: UInt16 = 1, mode: ConfigurationFlags = [], descriptors: UInt16 = 1024
    ) throws -> DMADevice {
        let device = try DeviceFactory.make([DeviceSpecification(specification)], in: DeviceRegistry())[0]
        try start(device, vchans: vchans, mode: mode, descriptors: descriptors)
        return device
    }

    /// The same with a device that is there.
    static func start(
        _ device: DMADevice, vchans: UInt16, mode: ConfigurationFlags, descriptors: UInt16 = 1024
    ) throws {
        try device.configure(DeviceConfiguration(virtualChannelCount: vchans, flags: mode))
        for vchan in 0..<vchans {
            try device.setUpVirtualChannel(
                vchan, configuration: VirtualChannelConfiguration(descriptorCount: descriptors))
        }
        try device.start()
    }

    /// Stops the device and prints its counters.
    static func end(_ device: DMADevice, since begin: MonotonicTime, starts: Int? = nil) throws {
        if try device.info.isStarted { try device.stop() }
        let counters = try device.statistics
        let elapsed = MonotonicTime.now.nanoseconds - begin.nanoseconds
        let suffix = starts.map { " \($0)" } ?? ""
        Output.line("counters \(counters.submitted) \(counters.completed) \(counters.errors) \(elapsed)\(suffix)")
        try device.close()
    }

    static func copy(_ count: Int) throws {
        let device = try start("software")
        let begin = MonotonicTime.now
        try copy(count, on: device)
        try end(device, since: begin)
    }

    private static func serve(_ prefix: String, _ count: Int) throws {
        let registry = DeviceRegistry()
        let device = try DeviceFactory.make([DeviceSpecification("software")], in: registry)[0]
        try start(device, vchans: 1, mode: [])
        let server = try TelemetryServer.start(filePrefix: prefix, commands: DeviceCommands.table(for: registry))
        let begin = MonotonicTime.now
        repeat {
            try copy(count, on: device)
            Output.line("ready")
        } while readLine() != nil
        try end(device, since: begin)
        withExtendedLifetime(server) {}
    }

    private static func copy(_ count: Int, on device: DMADevice) throws {
        let channel = try device.virtualChannel(0)
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 128, alignment: 64)
        defer { memory.deallocate() }
        let address = UInt64(UInt(bitPattern: memory))
        var (enqueued, finished) = (0, 0)
        while finished < count {
            if enqueued < count, try channel.burstCapacity >= 32 {
                let burst = min(32, count - enqueued)
                for number in 1...burst {
                    try channel.copy(
                        from: address, to: address + 64, length: 64, flags: number == burst ? .submit : [])
                }
                enqueued += burst
            }
            finished += try channel.completed(upTo: 1024).count
        }
    }

    static func abort(_ count: Int) throws {
        let device = try start("fault,freeze=1")
        let channel = try device.virtualChannel(0)
        let begin = MonotonicTime.now
        for _ in 0..<count { try channel.copy(from: 64, to: 128, length: 64) }
        try channel.submit()
        try end(device, since: begin)
    }

    static func ringLate(_ count: Int) throws {
        let device = try start("software")
        let channel = try device.virtualChannel(0)
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 128, alignment: 64)
        defer { memory.deallocate() }
        let address = UInt64(UInt(bitPattern: memory))
        let begin = MonotonicTime.now
        for number in 0..<count {
            try channel.copy(from: address, to: address + 64, length: UInt32(number % 64 + 1))
        }
        Output.line("ready")
        while readLine() != nil {}
        try channel.submit()
        var finished = 0
        while finished < count { finished += try channel.completed(upTo: 1024).count }
        try end(device, since: begin)
    }
}
