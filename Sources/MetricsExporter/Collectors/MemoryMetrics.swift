import OpenMetricsText

extension MetricTable {
    /// The external memory of a process.
    static let memoryRows: [MetricRow] = [
        .memory(
            "dmadev_memory_regions", help: "Registered regions of external memory, by kind of file.", member: "regions"),
        .memory(
            "dmadev_memory_bytes", unit: "bytes",
            help: "Bytes of the registered regions of external memory, by kind of file.", member: "bytes"),
    ]
}

extension MetricRow {
    /// A row with a sum for each kind of region.
    fileprivate static func memory(_ name: String, unit: String? = nil, help: String, member: String) -> MetricRow {
        .telemetry(name, .gauge, unit: unit, labels: ["kind"], from: .memory, help: help) { reply in
            reply.reader("kinds").elements.compactMap { sum in
                sum.number(member).map { MetricPoint(["kind": sum.label("kind")], $0) }
            }
        }
    }
}
