import OpenMetricsText

extension MetricTable {
    /// The attachments of a process to buffers of exporters.
    static let interconnectRows: [MetricRow] = [
        .telemetry(
            "dmadev_attachments", .gauge, labels: ["state"], from: .interconnects,
            help: "Attachments of importers to buffers of exporters, by state."
        ) { $0.reader("states").points(label: "state") },
        .telemetry(
            "dmadev_attachments_mapped_bytes", .gauge, unit: "bytes", from: .interconnects, member: "mapped_bytes",
            help: "Bytes of the buffers that are mapped through attachments; a buffer counts for each attachment."),
        .telemetry(
            "dmadev_attachments_attached", .counter, from: .interconnects, member: "attached",
            help: "Attachments that were made."),
        .telemetry(
            "dmadev_attachments_detached", .counter, from: .interconnects, member: "detached",
            help: "Attachments that were detached."),
        .telemetry(
            "dmadev_attachment_revocations", .counter, from: .interconnects, member: "revocations",
            help: "Revocations of attachments that have begun."),
        .telemetry(
            "dmadev_attachment_revocation_timeouts", .counter, from: .interconnects, member: "revocation_timeouts",
            help: "Revocations for which the importer did not release the buffer in time, each call."),
        .telemetry(
            "dmadev_attachment_failures", .counter, from: .interconnects, member: "failures",
            help: "Calls of attachments that have failed."),
        .telemetry(
            "dmadev_attachment_fallbacks", .counter, labels: ["interconnect", "reason"], from: .interconnects,
            help: "Interconnects that an exporter preferred and that were not supported, by reason."
        ) { reply in
            reply.reader("fallbacks").elements.compactMap { row in
                row.number("count").map {
                    MetricPoint(["interconnect": row.label("interconnect"), "reason": row.label("reason")], $0)
                }
            }
        },
    ]
}
