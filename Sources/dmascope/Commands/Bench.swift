import ArgumentParser
import DMADev
import DeviceDrivers
import TelemetryServer

/// `dmascope bench`
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure how fast a DMA device moves memory.",
        discussion: """
            Makes a device in this process and keeps it busy, for each combination of the options for a time. One \
            thread drives all virtual channels in turn: on each it has up to --depth bursts in flight, and polls. \
            copy_sg moves each operation's bytes between lists of four entries. The first and the last operation of a \
            combination are not timed: their bytes are checked. Meanwhile the process answers telemetry clients, as \
            `dmascope top` from another terminal.

            OPS/S, BYTES/S and TIME/OP are over all channels. P50 to P99.9 are latencies from doorbell to completion \
            by the device's own histogram: each is the upper bound of the bucket that the percentile lies in, which \
            is a quarter too high at most. They grow with --burst and --depth, since a burst waits for those before it.

            DEVICES: a driver, then keys, as in software,max-desc=64
            \(DriverTable.help)
            """)

    @Option(
        help: ArgumentHelp("The device to measure. The default is software.", valueName: "driver[,key=value]…"),
        transform: DeviceSpecification.argument)
    var device: DeviceSpecification?

    @Option(help: ArgumentHelp("Bytes an operation, 1 to 1G; K, M and G are units.", valueName: "size,…"))
    var size = CommaList(ByteCount(64), ByteCount(4096), ByteCount(65536))

    @Option(help: ArgumentHelp("Operations a doorbell, 1 to 32768.", valueName: "count,…"))
    var burst = CommaList(1, 32)

    @Option(help: ArgumentHelp("Virtual channels to use in turn, 1 to the device's maximum.", valueName: "count,…"))
    var vchans = CommaList(1)

    @Option(help: ArgumentHelp("What the device does: copy, fill, copy_sg.", valueName: "operation,…"))
    var operation = CommaList(BenchOperation.copy)

    @Option(help: ArgumentHelp("How long each combination is measured, up to 3600.", valueName: "seconds"))
    var seconds = 1.0

    @Option(
        help: ArgumentHelp("Bursts in flight a channel, 1 to 32768, as far as its ring holds them.", valueName: "count")
    )
    var depth = 4

    @Flag(
        help: """
            Write every source before its operation, and read every destination after it, as an application would: \
            the bytes then travel between caches, and the thread has work of its own.
            """)
    var touch = false

    @OptionGroup var telemetry: OwnTelemetryOptions
    @Flag(help: "Print comma-separated values, with a line of names.")
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
            // What is measured is shown, whatever happened then.
            if error.status != .success { try report.end() }
            throw error
        }
        try report.end()
        if errors > 0 { throw Failure("\(errors) operations failed: the rates count them, the bytes do not") }
    }

    /// Every combination, the burst changing fastest.
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
