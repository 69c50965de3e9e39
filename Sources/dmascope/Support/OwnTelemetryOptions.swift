import ArgumentParser
import DMADev
import DMATelemetry
import TelemetryServer
import TelemetryWire

/// Telemetry of a command that moves bytes through a device of its own.
struct OwnTelemetryOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The DPDK file prefix of the telemetry socket; when it is in use, the next instance is taken.",
            valueName: "prefix"))
    var filePrefix = "dmascope"

    @Flag(help: "Answer no telemetry clients.")
    var noTelemetry = false

    func validate() throws {
        try Self.check(filePrefix: filePrefix)
    }

    static func check(filePrefix: String) throws {
        guard TelemetryRunDirectory.isValid(filePrefix: filePrefix) else {
            throw ValidationError("--file-prefix takes the name of a directory, without a slash")
        }
    }

    /// Answers clients, if it may and can: no work fails for want of telemetry.
    func startServer() -> TelemetryServer? {
        if noTelemetry { return nil }
        do throws(TelemetryServerError) {
            return try TelemetryServer.start(
                filePrefix: filePrefix, commands: DeviceCommands.table(for: .shared))
        } catch {
            StandardStreams.warn("no telemetry meanwhile: \(error)")
            return nil
        }
    }
}
