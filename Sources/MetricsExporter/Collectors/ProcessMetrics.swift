import OpenMetricsText

extension MetricTable {
    /// What the exporting process uses, under the names that all programs use which are scraped.
    static let processRows: [MetricRow] = [
        .row(
            "process_cpu_seconds", .counter, unit: "seconds", .process { [MetricPoint(.real($0.processorSeconds))] },
            help: "Processor time that the process has used."),
        .row(
            "process_resident_memory_bytes", .gauge, unit: "bytes",
            .process { [MetricPoint(.unsigned($0.residentBytes))] }, help: "Memory that is there."),
        .row(
            "process_anonymous_memory_bytes", .gauge, unit: "bytes",
            .process { [MetricPoint(.unsigned($0.anonymousBytes))] },
            help: "Memory that is there and no part of a file."),
        .row(
            "process_virtual_memory_bytes", .gauge, unit: "bytes",
            .process { [MetricPoint(.unsigned($0.virtualBytes))] }, help: "Addresses that are in use."),
        .row(
            "process_threads", .gauge, .process { [MetricPoint(.unsigned($0.threads))] },
            help: "Threads of the process."),
        .row(
            "process_open_fds", .gauge, .process { [MetricPoint(.unsigned($0.openDescriptors))] },
            help: "Descriptors that are open."),
        .row(
            "process_max_fds", .gauge, .process { [MetricPoint(.unsigned($0.descriptorLimit))] },
            help: "Descriptors that may be open."),
        .row(
            "process_start_time_seconds", .gauge, unit: "seconds",
            .process { figures in figures.startTime.map { [MetricPoint(.real($0))] } ?? [] },
            help: "When the process started, in seconds since 1970."),
    ]
}
