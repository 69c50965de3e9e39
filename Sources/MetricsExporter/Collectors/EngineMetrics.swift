import OpenMetricsText

extension MetricTable {
    /// The work of the engines of a process.
    static let engineRows: [MetricRow] = [
        .engine(
            "dmadev_engine_busy_seconds", .counter, unit: "seconds",
            help: "Time that the engine has spent on operations."
        ) { $0.unsigned("busy_ns").map { .real(Double($0) / 1e9) } },
        .engine(
            "dmadev_engine_sleeps", .counter, help: "How often the engine has slept because it had no work."
        ) { $0.number("sleeps") },
        .engine(
            "dmadev_engine_operations", .counter, help: "Operations that the engine has finished, failed ones included."
        ) { $0.number("operations") },
        .engine(
            "dmadev_engine_moved_bytes", .counter, unit: "bytes", help: "Bytes that the engine has moved."
        ) { $0.number("bytes") },
    ]
}

extension MetricRow {
    /// A row with a value for each engine.
    fileprivate static func engine(
        _ name: String, _ kind: MetricDescription.Kind, unit: String? = nil, help: String,
        value: @escaping @Sendable (JSONReader) -> MetricNumber?
    ) -> MetricRow {
        .telemetry(name, kind, unit: unit, labels: ["engine", "thread"], from: .engines, help: help) { reply in
            reply.elements.compactMap { engine in
                value(engine).map {
                    MetricPoint(["engine": engine.label("id"), "thread": engine.label("name")], $0)
                }
            }
        }
    }
}
