internal import DMADev
internal import TelemetryWire

extension DeviceCommands {
    /// `/dmadev/engines`: the work of each engine of this process.
    static func engines(_ registry: DeviceRegistry, _ controller: (any ReportingController)?) -> TelemetryCommand {
        TelemetryCommand(
            path: "/dmadev/engines",
            help: "Returns busy time, sleeps, operations, bytes, rings, cpus and idle of each engine. No parameters"
        ) { _ in
            let all = registry.views.flatMap(\.engines) + (controller?.engines ?? [])
            var reply = JSONValue.array()
            var last: UInt32?
            // Devices that share an engine report the same one.
            for engine in all.sorted(by: { $0.id < $1.id }) where engine.id != last {
                reply.append(row(engine))
                last = engine.id
            }
            return reply
        }
    }

    private static func row(_ engine: EngineReport) -> JSONValue {
        var row = JSONValue.object()
        row.set("id", engine.id)
        row.set("name", engine.name)
        row.set("busy_ns", engine.busyNanoseconds)
        row.set("sleeps", engine.sleeps)
        row.set("operations", engine.operations)
        row.set("bytes", engine.bytes)
        row.set("rings", engine.rings)
        row.set("cpus", engine.processors)
        row.set("idle", engine.idling)
        return row
    }
}
