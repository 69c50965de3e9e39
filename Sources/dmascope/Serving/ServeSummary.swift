import CommandSupport
import DMADev
import DMATrace
import TelemetryWire

/// The text that `serve` prints when it is ready: devices, addresses, example commands.
struct ServeSummary: Sendable {
    let devices: [DMADevice]
    let path: String
    let filePrefix: String
    /// `nil`: no controller runs.
    let control: ControlService?

    /// - Parameter location: the address of HTTP; `nil` if it is off.
    func text(location: String?) -> String {
        let names = devices.map(\.name).joined(separator: ", ")
        return """
            \(DmascopeVersion.text) serves \(devices.count == 1 ? "device" : "devices") \(names) on \(path)\(controller)
            \(location.map(Self.addresses) ?? "No live page and no metrics over HTTP: --listen is off")

            Try from another terminal:
              \(program) list --socket \(path)
              \(program) stats --socket \(path)
              \(program) query \(path) / /dmadev/info,0
              echo /dmadev/stats,0 | \(environment)dpdk-telemetry.py --file-prefix \(filePrefix)\(instance)
              \(RecordingHint.start(providers: providers))
              lttng stop && lttng view && lttng destroy

            Ctrl-C ends it.
            """
    }

    /// One line for a service manager.
    func status(location: String?) -> String {
        let names = devices.map(\.name).joined(separator: ", ")
        let parts = [
            "devices \(names)", control.map { "the controller at \($0.path)" }, location.map { "HTTP at \($0)" },
        ]
        return "Serves " + parts.compactMap(\.self).joined(separator: ", ")
    }

    static func addresses(at location: String) -> String {
        let (page, metrics) =
            location.hasPrefix("unix:")
            ? ("/ on \(location)", "/metrics on \(location)") : (location + "/", location + "/metrics")
        return "Live page: \(page)\nMetrics for Prometheus: \(metrics)"
    }

    private var controller: String {
        let path = control?.path ?? ""
        return switch control {
        case .controller?:
            "\nController for devices of other processes: --device controller,socket=\(path)"
        case .broker?:
            "\nController of the host for devices of other processes: --device controller,socket=\(path)"
        case nil: ""
        }
    }

    /// The program as the user called it, so that the lines can be copied.
    private var program: String {
        CommandLine.arguments.first.flatMap { $0.contains("/") ? $0 : nil } ?? "dmascope"
    }

    /// DPDK's client needs the variable if it is set for this process.
    private var environment: String {
        TelemetryRunDirectory.isStandardUsual ? "" : "RUNTIME_DIRECTORY=\(TelemetryRunDirectory.standard.root) "
    }

    private var instance: String {
        let name = path.split(separator: "/").last.map(String.init) ?? ""
        return TelemetryRunDirectory.instance(ofSocketName: name).map { $0 == 0 ? "" : " --instance \($0)" } ?? ""
    }

    private var providers: [String] {
        TracePoints.all.reduce(into: []) { if !$0.contains($1.provider) { $0.append($1.provider) } }
    }
}
