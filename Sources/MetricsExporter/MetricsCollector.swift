import Glibc
public import LinuxSystem
import MachineInventory
public import OpenMetricsText
public import TelemetryClient
public import TelemetryWire

/// Collects the metrics of every telemetry source that it finds, and those of this process.
///
/// Any thread may collect. Collections run one after another. A caller that waits while a later collection starts gets the
/// result of that one, so many scrapers at once cause at most two collections.
public final class MetricsCollector: Sendable {
    /// The sources, their timeout, and what else is collected.
    public struct Configuration: Sendable {
        /// Directories that are searched for sockets at each collection.
        public var directories = TelemetryRunDirectory.candidates
        /// Paths of further sockets. `*`, `?` and `[…]` are shell wildcards. A path without wildcards is a source even when
        /// no socket exists.
        public var sockets: [String] = []
        /// The sources that are read; `nil`: all. The others are not among the metrics.
        public var selector: TelemetrySourceSelector?
        /// The users whose sources are read. The others are listed with the reason.
        public var trust = TelemetryTrust()
        /// Paths of sockets that are read before all others: those of this process.
        public var ownSockets: [String] = []
        /// Finds and connects the sources of all users, in place of `directories` and `sockets`; `nil`: this process does. Then
        /// every series of a source has the label `owner`.
        public var connector: SourceConnector?
        /// The timeout of one source, for all of its replies together.
        public var timeout: Duration = .seconds(1)
        /// The path of sysfs; tests use a copy.
        public var sysfs = "/sys"
        /// The path of procfs, where the dma-bufs of processes are found; tests use a copy.
        public var procfs = "/proc"
        /// Whether the kernel's DMA engines, and the dma-bufs of all processes, are included.
        public var includesMachine = true
        /// Whether the metrics of this process (`process_*`) are included.
        public var includesProcessMetrics = true
        /// The statistics of the web server of this process, if there is one.
        public var web: WebStatistics?

        /// The default configuration: all run directories, one second, with `process_*`.
        public init() {}
    }

    private struct State {
        var resets = ResetDetector()
        var began = MonotonicTime(nanoseconds: 0)
        var families: [MetricFamily] = []
        var failureCounts: [String: UInt64] = [:]
        var processes = KnownProcesses()
    }

    private let configuration: Configuration
    private let finder: SourceFinder
    private let inventory: InventoryReader
    private let state = Locked(State())
    private let created = MonotonicTime.wallClockSeconds

    /// Reads no source before the first collection.
    public init(_ configuration: Configuration = Configuration()) {
        self.configuration = configuration
        finder = SourceFinder(
            directories: configuration.directories, patterns: configuration.sockets, trust: configuration.trust,
            first: configuration.ownSockets, connector: configuration.connector)
        inventory = InventoryReader(
            DMABufferInventory.Roots(proc: configuration.procfs, sys: configuration.sysfs))
    }

    /// A family for every row of ``MetricTable``; a row without values has no samples.
    ///
    /// A source that fails has `dmascope_scrape_*` and no other metrics.
    ///
    /// - Parameter requested: the result of a collection that started at this time or later is returned again.
    /// - Throws: when the process or the system has no file descriptors left.
    public func collect(since requested: MonotonicTime = .now) throws(TelemetryClientError) -> [MetricFamily] {
        try state.withLock { state throws(TelemetryClientError) in
            if state.began >= requested { return state.families }
            let began = MonotonicTime.now
            state.families = try collect(&state, began: began)
            state.began = began
            return state.families
        }
    }

    private func collect(
        _ state: inout State, began: MonotonicTime
    ) throws(TelemetryClientError) -> [MetricFamily] {
        let rows = MetricTable.rows
        let proc = ProcDirectory()
        let resets = state.resets
        let plans = SamplePlans(rows)
        resets.beginRound()
        let answers = try finder.query(timeout: configuration.timeout, of: configuration.selector) { source in
            SampleBuilder(source, plans: plans, resets: resets, proc: proc)
        }
        resets.endRound()

        var samples = [[MetricSample]](repeating: [], count: rows.count)
        for place in rows.indices {
            samples[place].reserveCapacity(
                answers.walks.reduce(0) { $0 + ($1.outcome?.failure == nil ? $1.visitor.samples[place].count : 0) })
        }
        for answer in answers.walks {
            if let failure = answer.outcome?.failure {
                state.failureCounts[failure.code.description, default: 0] += 1
            } else {
                for (place, found) in answer.visitor.samples.enumerated() { samples[place] += found }
            }
        }
        state.processes = state.processes.updated(with: answers.walks)
        let round = ScrapeRound(
            answers: answers.walks, processes: state.processes, staleCount: answers.staleCount,
            omitted: answers.omitted, failureCounts: state.failureCounts,
            nanoseconds: MonotonicTime.now.nanoseconds(since: began))
        return assemble(rows, samples, round, proc)
    }

    /// Adds the metrics that do not come from telemetry.
    private func assemble(
        _ rows: [MetricRow], _ samples: [[MetricSample]], _ round: ScrapeRound, _ proc: ProcDirectory
    ) -> [MetricFamily] {
        let figures = configuration.includesProcessMetrics ? proc.ownFigures() : nil
        let engines = configuration.includesMachine ? KernelEngines(root: configuration.sysfs) : nil
        // Without a result in time, the last one: a process can delay the reading of its mappings.
        let buffers =
            configuration.includesMachine ? inventory.latest(waitingAtMost: .milliseconds(200))?.inventory : nil
        let web = configuration.web
        return zip(rows, samples).map { row, samples in
            let points: [MetricPoint]
            var created: Double?
            switch row.origin {
            case .telemetry: return MetricFamily(row.description, samples: samples)
            case .scrape(let take): (points, created) = (take(round), self.created)
            case .web(let take): (points, created) = (web.map(take) ?? [], web?.created)
            case .process(let take): (points, created) = (figures.map(take) ?? [], figures?.startTime)
            case .kernel(let take): points = engines.map(take) ?? []
            case .buffers(let take): points = buffers.map(take) ?? []
            }
            if !row.isCounted { created = nil }
            return MetricFamily(
                row.description, samples: points.map { MetricSample($0.labels, $0.value, created: created) })
        }
    }
}
