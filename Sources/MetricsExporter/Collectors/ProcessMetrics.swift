import OpenMetricsText

extension MetricTable {
    /// The resources of the exporting process, with the metric names of the Prometheus client libraries.
    static let processRows: [MetricRow] = [
        .row(
            "process_cpu_seconds", .counter, unit: "seconds", .process { [MetricPoint(.real($0.processorSeconds))] },
            help: "CPU time of the process, user and system."),
        .row(
            "process_resident_memory_bytes", .gauge, unit: "bytes",
            .process { [MetricPoint(.unsigned($0.residentBytes))] }, help: "Resident memory."),
        .row(
            "process_anonymous_memory_bytes", .gauge, unit: "bytes",
            .process { [MetricPoint(.unsigned($0.anonymousBytes))] },
            help: "Resident memory without file mappings."),
        .row(
            "process_virtual_memory_bytes", .gauge, unit: "bytes",
            .process { [MetricPoint(.unsigned($0.virtualBytes))] }, help: "Virtual memory."),
        .row(
            "process_threads", .gauge, .process { [MetricPoint(.unsigned($0.threads))] },
            help: "Threads of the process."),
        .row(
            "process_open_fds", .gauge, .process { [MetricPoint(.unsigned($0.openDescriptors))] },
            help: "Open file descriptors."),
        .row(
            "process_max_fds", .gauge, .process { [MetricPoint(.unsigned($0.descriptorLimit))] },
            help: "Maximum number of open file descriptors."),
        .row(
            "process_start_time_seconds", .gauge, unit: "seconds",
            .process { figures in figures.startTime.map { [MetricPoint(.real($0))] } ?? [] },
            help: "Start time of the process, in seconds since 1970."),
    ]
}
