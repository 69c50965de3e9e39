import OpenMetricsText
import TelemetryClient

/// A channel, as `check` judges it.
struct CheckedChannel {
    struct Key: Hashable {
        let source: TelemetrySource
        let device: String
        let name: String
        let vchan: String

        init(_ labels: LabelSet) {
            source = TelemetrySource(labels)
            device = labels["device"] ?? ""
            name = labels["name"] ?? ""
            vchan = labels["vchan"] ?? ""
        }
    }

    let key: Key
    /// The state that its source reports, or that was determined from its counters; `nil` if it is no known one.
    let state: String?
    /// Failed operations divided by completed ones; `nil` if none has completed.
    let errorRatio: Double?
    let occupancy: Double?
    /// The upper bound for 99 of 100 operations, in microseconds.
    let latencyP99: Double?
    /// `nil` after one look.
    let operationsPerSecond: Double?
    /// Seconds in which operations were in flight and none has finished, as its source reports it; `nil` if it does not.
    let idleSeconds: Double?
    /// Whether operations were in flight and none has finished between the two collections; `nil` after one look.
    let stoodStill: Bool?
    /// Figures that its source cannot tell, for example latencies of a DPDK application.
    let unreported: Set<CheckFigure>
    /// Whether the driver of an observed device counts otherwise than was observed.
    let isMiscounted: Bool
    /// Values that the source reports and that are not possible.
    let impossibilities: [String]

    /// The metrics of channels that are read, without the histogram.
    static let metrics = [
        "dmadev_operations_submitted", "dmadev_operations_completed", "dmadev_operation_errors",
        "dmadev_vchan_ring_occupancy_ratio", "dmadev_vchan_descriptors", "dmadev_vchan_oldest_operation_age_seconds",
        "dmadev_vchan_last_completion_age_seconds", "dmadev_driver_counts_differ",
    ]

    init(
        _ channel: (key: Key, state: String?), _ now: CheckCollection, since before: CheckCollection?,
        seconds: Double
    ) {
        let key = channel.key
        self.key = key
        state = channel.state
        occupancy = now.number("dmadev_vchan_ring_occupancy_ratio", key)
        let oldest = now.number("dmadev_vchan_oldest_operation_age_seconds", key)
        idleSeconds = oldest.map { min($0, now.number("dmadev_vchan_last_completion_age_seconds", key) ?? $0) }

        let submitted = now.number("dmadev_operations_submitted", key)
        let completed = now.number("dmadev_operations_completed", key)
        let errors = now.number("dmadev_operation_errors", key)
        // Of a process that has ended nothing is compared with its successor.
        let past = before.flatMap { now.hasSameProcess(key.source, as: $0) ? $0 : nil }
        // What was not read in the first collection has no increase.
        let isUnread = before?.hasFailed(key.source) ?? false
        func increase(_ name: String, _ value: Double?) -> Double? {
            guard let value, !isUnread else { return nil }
            guard let old = past?.number(name, key) else { return value }
            // Lower: the counter has started again.
            return value >= old ? value - old : value
        }
        let done = increase("dmadev_operations_completed", completed)
        let failed = increase("dmadev_operation_errors", errors)
        errorRatio = done.flatMap { done in
            let failed = failed ?? 0
            return done > 0 ? (failed <= done + Self.slack ? min(failed, done) : failed) / done : nil
        }
        operationsPerSecond = before == nil || seconds <= 0 ? nil : done.map { $0 / seconds }
        latencyP99 =
            isUnread
            ? nil
            : now.latency(key).flatMap { Self.percentile(0.99, of: $0, since: past?.latency(key)) }.map { $0 * 1e6 }
        if let past, let submitted, let completed,
            let oldCompleted = past.number("dmadev_operations_completed", key),
            let oldSubmitted = past.number("dmadev_operations_submitted", key)
        {
            stoodStill = completed == oldCompleted && oldSubmitted > oldCompleted && submitted > completed
        } else {
            stoodStill = nil
        }

        var unreported: Set<CheckFigure> = []
        // A channel without a ring has none of them.
        if !["not set up", "stopped"].contains(channel.state) {
            if completed == nil { unreported.formUnion([.errorRatio, .operations]) }
            if occupancy == nil { unreported.insert(.occupancy) }
            if now.latency(key) == nil { unreported.insert(.latencyP99) }
        }
        self.unreported = unreported

        isMiscounted = now.number("dmadev_driver_counts_differ", key) == 1

        var impossibilities: [String] = []
        if channel.state == nil { impossibilities.append("reports no known state") }
        if let errors, let completed, errors > completed + Self.slack {
            impossibilities.append("reports more failed than completed operations")
        }
        if let completed, let submitted, completed > submitted + Self.slack {
            impossibilities.append("reports more completed than submitted operations")
        }
        let descriptors = now.number("dmadev_vchan_descriptors", key)
        if let descriptors, descriptors < 0 { impossibilities.append("reports a negative number of descriptors") }
        if let descriptors, let slots = now.slots(key), slots.lowerBound < 0 || slots.upperBound > max(descriptors, 0) {
            impossibilities.append("reports a ring use that its descriptors cannot have")
        }
        self.impossibilities = impossibilities
    }

    /// By how much one counter of a busy channel may exceed another that it never exceeds: they are read one after the other.
    private static let slack = 65536.0

    /// `NAME:VCHAN of SOURCE`, for sentences.
    var text: String { "\(key.name):\(key.vchan) of \(key.source)" }

    /// `SOURCE/NAME:VCHAN`, for performance data.
    var label: String { "\(key.source)/\(key.name):\(key.vchan)" }

    func value(of figure: CheckFigure) -> Double? {
        switch figure {
        case .devices: nil
        case .errorRatio: errorRatio
        case .occupancy: occupancy
        case .latencyP99: latencyP99
        case .operations: operationsPerSecond
        }
    }

    /// Whether operations are in flight and none has finished for a time.
    enum Progress {
        case moves, stuck
        /// The two collections are not far enough apart to tell.
        case unknown
    }

    /// - Parameters:
    ///   - limit: the time in seconds; `nil`: as the source judges itself.
    ///   - seconds: the time between the two collections.
    func progress(stuckAfter limit: Double?, seconds: Double) -> Progress {
        guard let limit else { return state == "stuck" ? .stuck : .moves }
        if let idleSeconds { return idleSeconds >= limit && limit > 0 ? .stuck : .moves }
        switch stoodStill {
        case true?: return seconds >= limit ? .stuck : .unknown
        case false?: return .moves
        case nil: return ["active", "stuck"].contains(state) ? .unknown : .moves
        }
    }

    /// The upper bound of the bucket that contains the percentile; infinite for the last bucket.
    private static func percentile(
        _ part: Double, of now: MetricHistogram, since before: MetricHistogram?
    ) -> Double? {
        let old = before?.buckets.map(\.count) ?? Array(repeating: 0, count: now.buckets.count)
        let isReset = zip(now.buckets, old).contains { $0.count < $1 } || now.rest < before?.rest ?? 0
        let counts = isReset ? now.buckets.map(\.count) : zip(now.buckets, old).map { $0.count - $1 }
        let rest = isReset ? now.rest : now.rest - (before?.rest ?? 0)
        let count = counts.reduce(rest, &+)
        guard count > 0 else { return nil }
        var seen: UInt64 = 0
        for (bucket, added) in zip(now.buckets, counts) {
            seen &+= added
            if Double(seen) >= part * Double(count) { return bucket.upperBound }
        }
        return .infinity
    }
}
