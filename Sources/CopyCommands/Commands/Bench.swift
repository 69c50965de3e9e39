import ArgumentParser
import CommandSupport
import DMADev
import DeviceDrivers
import TelemetryServer

/// `dmascope bench`
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure how fast a DMA device moves memory.",
        discussion: """
            Creates a device in this process and keeps it busy for --seconds, once for each combination of the \
            options. One thread drives all virtual channels in turn: it polls each and keeps up to --depth bursts in \
            flight on it. copy_sg moves the bytes of an operation between lists of four entries. The first and the \
            last operation of a combination are not timed; their bytes are checked. The process answers telemetry \
            clients during the measurement: try `dmascope top` in another terminal.

            OPS/S, BYTES/S and TIME/OP are totals of all channels. P50 to P99.9 are latencies from doorbell to \
            completion from the device's histogram: the upper bound of the bucket that contains the percentile, at \
            most 25 % too high. They grow with --burst and --depth, because a burst waits for the bursts before it.

            DEVICES: a driver, then keys, for example software,max-desc=64
            \(DriverTable.help)
            """)

    @Option(
        help: ArgumentHelp("The device to measure. The default is software.", valueName: "driver[,key=value]…"),
        transform: DeviceSpecification.argument)
    var device: DeviceSpecification?

    @Option(help: ArgumentHelp("Bytes per operation, 1 to 1G; K, M and G are units.", valueName: "size,…"))
    var size = CommaList(ByteCount(64), ByteCount(4096), ByteCount(65536))

    @Option(help: ArgumentHelp("Operations per doorbell, 1 to 32768.", valueName: "count,…"))
    var burst = CommaList(1, 32)

    @Option(help: ArgumentHelp("Virtual channels to use in turn, 1 to the device's maximum.", valueName: "count,…"))
    var vchans = CommaList(1)

    @Option(help: ArgumentHelp("The operations to measure: copy, fill, copy_sg.", valueName: "operation,…"))
    var operation = CommaList(BenchOperation.copy)

    @Option(help: ArgumentHelp("How long to measure each combination, up to 3600.", valueName: "seconds"))
    var seconds = 1.0

    @Option(
        help: ArgumentHelp("Bursts in flight per channel, 1 to 32768, limited by the ring's size.", valueName: "count"))
    var depth = 4

    @Flag(
        help: """
            Write every source before its operation and read every destination after it, like an application. The \
            bytes then move between caches, and the thread has additional work.
            """)
    var touch = false

    @OptionGroup var telemetry: OwnTelemetryOptions
    @Flag(help: "Print comma-separated values with a header line.")
    var csv = false
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard size.elements.allSatisfy({ (1...1 << 30).contains($0.bytes) }) else {
            throw ValidationError("--size takes 1 to 1G bytes")
        }
        guard burst.elements.allSatisfy((1...32768).contains) else {
            throw ValidationError("--burst takes 1 to 32768")
        }
        guard vchans.elements.allSatisfy((1...1024).contains) else { throw ValidationError("--vchans takes 1 to 1024") }
        guard (1...32768).contains(depth) else { throw ValidationError("--depth takes 1 to 32768") }
        guard seconds > 0, seconds <= 3600 else {
            throw ValidationError("--seconds takes more than 0 and at most 3600")
        }
        guard !csv || !output.json else { throw ValidationError("--csv and --json exclude each other") }
    }

    func run() throws {
        let termination = Termination()
        let needed = operation.elements.reduce(into: Capabilities.mem2mem) { $0.formUnion($1.capability) }
        let device = try DMADevice.make(self.device, with: needed)
        defer {
            try? device.stop()
            try? device.close()
        }
        let server = telemetry.startServer()
        defer { server?.stop() }

        var report = BenchReport(csv ? .csv : output.json ? .json : .text, driver: device.properties.driver)
        try report.begin()
        var errors = 0
        do throws(Failure) {
            for point in points {
                let run = try BenchRun(device, point, depth: depth, touches: touch, termination)
                let result = try run.measure(seconds: seconds)
                errors += result.errors
                try report.add(result)
            }
        } catch {
            // Print the rows that were measured before the failure.
            if error.status != .success { try report.end() }
            throw error
        }
        try report.end()
        if errors > 0 { throw Failure("\(errors) operations failed: the rates include them, the bytes do not") }
    }

    /// All combinations; the burst varies fastest.
    private var points: [BenchPoint] {
        operation.elements.flatMap { operation in
            vchans.elements.flatMap { vchanCount in
                size.elements.flatMap { size in
                    burst.elements.map { burst in
                        BenchPoint(operation: operation, size: size.bytes, burst: burst, vchanCount: vchanCount)
                    }
                }
            }
        }
    }
}
