import Glibc
public import LinuxSystem
public import OpenMetricsText
public import TelemetryClient
public import TelemetryWire

/// Collects the metrics of every telemetry source that it finds, and its own.
///
/// Any thread may collect. Collections take turns; who waits for one that began after it asked takes that one's result,
/// so that many scrapers at once cost the sources no more than two.
public final class MetricsCollector: Sendable {
    /// Where to look, and how long.
    public struct Configuration: Sendable {
        /// Directories below which sockets are looked for, anew each time.
        public var directories = TelemetryRunDirectory.candidates
        /// Paths of further sockets, in which `*`, `?` and `[…]` stand for what they do in a shell. A path without these
        /// is a source whether there is a socket or not.
        public var sockets: [String] = []
        /// How long one source may take, all of its answers together.
        public var timeout: Duration = .seconds(1)
        /// The directory that is `/sys`.
        public var sysfs = "/sys"
        /// Whether the figures of this process (`process_*`) are among the metrics.
        public var tellsOfItself = true
        /// What the web server of this process counts, if there is one.
        public var web: WebStatistics?

        /// The usual configuration.
        public init() {}
    }

    private struct State {
        var resets = ResetWatch()
        var began = MonotonicTime(nanoseconds: 0)
        var families: [MetricFamily] = []
        var failureCounts: [String: UInt64] = [:]
    }

    private let configuration: Configuration
    private let finder: SourceFinder
    private let state = Locked(State())
    private let created = MonotonicTime.wallClockSeconds

    /// A collector that has asked nobody yet.
    public init(_ configuration: Configuration = Configuration()) {
        self.configuration = configuration
        finder = SourceFinder(directories: configuration.directories, patterns: configuration.sockets)
    }

    /// The metrics of this moment: every row of ``MetricTable``, those that nobody has without samples.
    ///
    /// A source that fails is among them by its `dmascope_scrape_success` alone.
    ///
    /// - Parameter asked: a collection that began at this moment or later will do.
    /// - Throws: when the system has no descriptors left for asking anybody.
    public func collect(since asked: MonotonicTime = .now) throws(TelemetryClientError) -> [MetricFamily] {
        try state.withLock { state throws(TelemetryClientError) in
            if state.began >= asked { return state.families }
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
        resets.beginRound()
        let (answers, deadCount) = try finder.ask(timeout: configuration.timeout) { source in
            SampleTaker(source, rows: rows, resets: resets, proc: proc)
        }
        resets.endRound()

        var samples = [[MetricSample]](repeating: [], count: rows.count)
        for answer in answers {
            if let failure = answer.outcome?.failure {
                state.failureCounts[failure.code.description, default: 0] += 1
            } else {
                for (place, found) in answer.taker.samples { samples[place] += found }
            }
        }
        let round = ScrapeRound(
            answers: answers, deadCount: deadCount, failureCounts: state.failureCounts,
            nanoseconds: MonotonicTime.now.nanoseconds(since: began))
        return assemble(rows, samples, round, proc)
    }

    /// Adds what no source tells.
    private func assemble(
        _ rows: [MetricRow], _ samples: [[MetricSample]], _ round: ScrapeRound, _ proc: ProcDirectory
    ) -> [MetricFamily] {
        let figures = configuration.tellsOfItself ? proc.ownFigures() : nil
        let engines = KernelEngines(root: configuration.sysfs)
        let web = configuration.web
        return zip(rows, samples).map { row, samples in
            let points: [MetricPoint]
            var created: Double?
            switch row.origin {
            case .telemetry: return MetricFamily(row.description, samples: samples)
            case .scrape(let take): (points, created) = (take(round), self.created)
            case .web(let take): (points, created) = (web.map(take) ?? [], web?.created)
            case .process(let take): (points, created) = (figures.map(take) ?? [], figures?.startTime)
            case .kernel(let take): points = take(engines)
            }
            if !row.isCounted { created = nil }
            return MetricFamily(
                row.description, samples: points.map { MetricSample($0.labels, $0.value, created: created) })
        }
    }
}
