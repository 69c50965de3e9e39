public import CoreMetrics

extension LibraryMetric {
    /// A counter of this figure, of the factory that is in force where it is made.
    ///
    /// - Parameter values: of the dimensions, in order.
    public func counter(_ values: String..., factory: any MetricsFactory = MetricsSystem.factory) -> Counter {
        Counter(label: rawValue, dimensions: Array(zip(dimensions, values)), factory: factory)
    }

    /// A timer of this figure, of the factory that is in force where it is made.
    public func timer(_ values: String..., factory: any MetricsFactory = MetricsSystem.factory) -> CoreMetrics.Timer {
        CoreMetrics.Timer(label: rawValue, dimensions: Array(zip(dimensions, values)), factory: factory)
    }
}

/// Tells swift-metrics of a total that a library counts anyway. Costs a comparison when nothing has come.
///
/// Belongs to the thread that counts.
public struct ToldTotal: ~Copyable {
    private let counter: Counter
    private var told: UInt64 = 0

    /// For a counter without dimensions.
    public init(_ metric: LibraryMetric) {
        counter = metric.counter()
    }

    /// Tells what has come since the last time.
    public mutating func update(to total: UInt64) {
        guard total != told else { return }
        counter.increment(by: Int64(truncatingIfNeeded: total &- told))
        told = total
    }
}

/// Tells swift-metrics how many there are of something. Costs a comparison when nothing has changed; what it told last
/// is taken back when it goes.
///
/// Belongs to the thread that counts.
public struct ToldLevel: ~Copyable {
    private let meter: Meter
    private var told = 0

    /// For a level without dimensions.
    public init(_ metric: LibraryMetric) {
        meter = Meter(label: metric.rawValue)
    }

    deinit {
        if told != 0 { meter.decrement(by: Double(told)) }
    }

    /// Tells the difference to the last time.
    public mutating func update(to level: Int) {
        guard level != told else { return }
        if level > told {
            meter.increment(by: Double(level - told))
        } else {
            meter.decrement(by: Double(told - level))
        }
        told = level
    }
}
