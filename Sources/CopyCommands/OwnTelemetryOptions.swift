import ArgumentParser
import CommandSupport
import DMADev
import DMATelemetry
import TelemetryServer
import TelemetryWire

/// Telemetry of a command that creates a device.
package struct OwnTelemetryOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The DPDK file prefix of the telemetry socket; if it is in use, the next free instance is used.",
            valueName: "prefix"))
    var filePrefix = "dmascope"

    @Flag(help: "Run no telemetry server.")
    var noTelemetry = false

    package init() {}

    package func validate() throws {
        try Self.check(filePrefix: filePrefix)
    }

    package static func check(filePrefix: String) throws {
        guard TelemetryRunDirectory.isValid(filePrefix: filePrefix) else {
            throw ValidationError("--file-prefix takes the name of a directory, without a slash")
        }
    }

    /// Starts the telemetry server unless `--no-telemetry` is set. If it cannot start, prints a warning and returns
    /// `nil`: the command works without telemetry.
    func startServer() -> TelemetryServer? {
        if noTelemetry { return nil }
        do throws(TelemetryServerError) {
            return try TelemetryServer.start(
                filePrefix: filePrefix, commands: DeviceCommands.table(for: .shared))
        } catch {
            StandardStreams.warn("running without telemetry: \(error)")
            return nil
        }
    }
}
