import ArgumentParser
import CommandSupport
import DMADev
import DeviceDrivers
import TelemetryServer
import TelemetryWire

/// `dmascope copy`
struct Copy: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "copy",
        abstract: "Copy a file through a DMA device.",
        discussion: """
            Maps both files into memory; a device copies the bytes, one operation per chunk. The copy has the source's \
            permission bits and gets its name when it is complete: until then it is not visible in the destination's \
            directory, and after a failure nothing remains. The process answers telemetry clients during the copy: try \
            `dmascope stats` in another terminal.

            DEVICES: a driver, then keys, for example software,max-desc=64
            \(DriverTable.help)
            """)

    @Argument(help: "The file to copy.")
    var source: String
    @Argument(help: "The path of the copy; not a directory.")
    var destination: String

    @Option(
        help: ArgumentHelp("The device that copies. The default is software.", valueName: "driver[,key=value]…"),
        transform: DeviceSpecification.argument)
    var device: DeviceSpecification?

    @Option(help: ArgumentHelp("Bytes per operation, 1 to 1G; K, M and G are units.", valueName: "size"))
    var chunk = ByteCount(1 << 20)

    @Option(help: ArgumentHelp("Operations per doorbell, 1 to 32768.", valueName: "count"))
    var burst = 32

    @Option(help: ArgumentHelp("Virtual channels to use in turn, 1 to the device's maximum.", valueName: "count"))
    var vchans = 1

    @Flag(help: "Replace the destination if it exists.")
    var force = false

    @Flag(help: "Compare the copy with the source before it gets its name.")
    var verify = false

    @OptionGroup var telemetry: OwnTelemetryOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (1...1 << 30).contains(chunk.bytes) else { throw ValidationError("--chunk takes 1 to 1G bytes") }
        guard (1...32768).contains(burst) else { throw ValidationError("--burst takes 1 to 32768") }
        guard (1...1024).contains(vchans) else { throw ValidationError("--vchans takes 1 to 1024") }
    }

    func run() throws {
        let termination = Termination()
        StandardStreams.reportFullFilesAsErrors()
        let source = try SourceFile(self.source)
        let destination = try DestinationFile(destination, copyOf: source, replaces: force)
        let device = try makeDevice()
        defer {
            try? device.stop()
            try? device.close()
        }
        let server = telemetry.startServer()
        defer { server?.stop() }

        let progress = Progress(isShown: !output.json && StandardStreams.errorIsTerminal)
        defer { progress.clear() }
        let job = CopyJob(
            source: source, destination: destination, device: device, chunk: chunk.bytes, burst: burst,
            progress: progress, termination: termination)
        try destination.reserve(termination)
        let result = try job.run()
        if verify { try Verification.compare(source, with: destination, progress, termination) }
        try destination.publish()
        progress.clear()
        try report(result, device)
    }

    private func makeDevice() throws(Failure) -> DMADevice {
        let device = try DMADevice.make(self.device, with: .localCopies)
        _ = try device.refusing("--device or --vchans") { () throws(DMAError) in
            try device.start(vchanCount: UInt16(vchans))
        }
        return device
    }

    private func report(_ result: CopyResult, _ device: DMADevice) throws(Failure) {
        let rate = Quantity.bytes(result.bytesPerSecond)
        let text =
            "copied \(ByteCount(result.bytes).text) in \(decimal(result.seconds, places: 3)) s: "
            + "\(rate)/s, \(result.operations) \(result.operations == 1 ? "operation" : "operations")"
            + (verify ? ", verified" : "")
        try output.print(
            json: .object([
                JSONTree.Member("source", .string(source)), JSONTree.Member("destination", .string(destination)),
                JSONTree.Member("bytes", .integer(Int64(result.bytes))),
                JSONTree.Member("seconds", .double(result.seconds)),
                JSONTree.Member("bytes_per_second", .double(result.bytesPerSecond)),
                JSONTree.Member("operations", .integer(Int64(result.operations))),
                JSONTree.Member("chunk", .integer(Int64(chunk.bytes))),
                JSONTree.Member("vchans", .integer(Int64(vchans))),
                JSONTree.Member("driver", .string(device.properties.driver)),
                JSONTree.Member("verified", .bool(verify)),
            ]), text: text)
    }
}
