public import CoreMetrics
import LibraryMetrics
import LinuxSystem
import OpenMetricsText

/// Keeps what the libraries of this process tell swift-metrics, for a ``MetricsCollector`` to pass on.
///
/// ```swift
/// let figures = LibraryFigures()
/// MetricsSystem.bootstrap(figures)
/// ```
///
/// It knows the figures of this package's libraries, so that its memory is bounded whatever else a process measures.
/// Any thread may use it.
public final class LibraryFigures: MetricsFactory {
    private struct Series {
        let labels: LabelSet
        let figure: any Figure
    }

    private let series = Locked<[LibraryMetric: [Series]]>([:])

    /// Nothing is known yet.
    public init() {}

    /// A counter of one of this package's libraries; one that keeps nothing for other labels.
    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        figure(.counter, label, dimensions, CountedFigure.init) ?? NOOPMetricsHandler.instance
    }

    /// A level, in the same way.
    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        figure(.level, label, dimensions, LevelFigure.init) ?? NOOPMetricsHandler.instance
    }

    /// A timer, in the same way.
    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        figure(.timer, label, dimensions, TimedFigure.init) ?? NOOPMetricsHandler.instance
    }

    /// Keeps nothing: no library of this package has a recorder.
    public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        NOOPMetricsHandler.instance
    }

    /// What has been told stays: a figure goes on when it is made again.
    public func destroyCounter(_ handler: any CounterHandler) {}
    /// What has been told stays: a figure goes on when it is made again.
    public func destroyMeter(_ handler: any MeterHandler) {}
    /// What has been told stays: a figure goes on when it is made again.
    public func destroyTimer(_ handler: any TimerHandler) {}
    /// There is nothing to destroy.
    public func destroyRecorder(_ handler: any RecorderHandler) {}

    /// The series of a figure, in the order of their labels.
    func samples(of metric: LibraryMetric) -> [MetricSample] {
        let found = series.withLock { $0[metric] ?? [] }
        return found.map { MetricSample($0.labels, $0.figure.value, created: $0.figure.created) }
            .sorted { left, right in
                left.labels.labels.map(\.value).lexicographicallyPrecedes(right.labels.labels.map(\.value))
            }
    }

    /// The same figure for the same labels, whoever asks: what several servers of a process tell adds up.
    private func figure<F: Figure>(
        _ kind: LibraryMetric.Kind, _ label: String, _ dimensions: [(String, String)], _ make: () -> F
    ) -> F? {
        guard let metric = LibraryMetric(rawValue: label), metric.kind == kind,
            metric.dimensions == dimensions.map(\.0)
        else { return nil }
        let labels = LabelSet(dimensions.map { LabelSet.Label($0.0, $0.1) })
        return series.withLock { series in
            if let known = series[metric]?.first(where: { $0.labels == labels }) { return known.figure as? F }
            let figure = make()
            series[metric, default: []].append(Series(labels: labels, figure: figure))
            return figure
        }
    }
}

/// One value that grows or changes.
private protocol Figure: AnyObject, Sendable {
    var value: MetricValue { get }
    /// Since when it counts, in seconds since 1970; `nil` for what does not count.
    var created: Double? { get }
}

private func secondsNow() -> Double { Double(MonotonicTime.wallClockNanoseconds / 1_000_000) / 1000 }

private final class CountedFigure: Figure, CounterHandler {
    private let state = Locked((count: UInt64(0), created: secondsNow()))

    var value: MetricValue { .number(.unsigned(state.withLock { $0.count })) }
    var created: Double? { state.withLock { $0.created } }

    func increment(by amount: Int64) { state.withLock { $0.count &+= UInt64(max(amount, 0)) } }
    func reset() { state.withLock { $0 = (0, secondsNow()) } }
}

private final class LevelFigure: Figure, MeterHandler {
    private let level = Locked(0.0)

    var value: MetricValue {
        let level = level.withLock { $0 }
        return .number(Int64(exactly: level).map { .signed($0) } ?? .real(level))
    }
    var created: Double? { nil }

    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { level.withLock { $0 = value } }
    func increment(by amount: Double) { level.withLock { $0 += amount } }
    func decrement(by amount: Double) { level.withLock { $0 -= amount } }
}

private final class TimedFigure: Figure, TimerHandler {
    /// In seconds: from a request that asks nobody to a source that takes all of its time.
    private static let bounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

    private struct State {
        var buckets = bounds.map { MetricHistogram.Bucket(upperBound: $0) }
        var rest: UInt64 = 0
        var sum = 0.0
    }

    private let state = Locked(State())
    private let start = secondsNow()

    var value: MetricValue {
        let state = state.withLock { $0 }
        return .histogram(MetricHistogram(buckets: state.buckets, rest: state.rest, sum: .real(state.sum)))
    }
    var created: Double? { start }

    func recordNanoseconds(_ duration: Int64) {
        let seconds = Double(max(duration, 0)) / 1e9
        state.withLock { state in
            state.sum += seconds
            if let place = Self.bounds.firstIndex(where: { seconds <= $0 }) {
                state.buckets[place].count &+= 1
            } else {
                state.rest &+= 1
            }
        }
    }
}
