import LinuxSystem
import OpenMetricsText

/// Counts the requests of a web server. The server and a ``MetricsCollector`` share an instance; any thread may use it.
public final class WebStatistics: Sendable {
    /// In seconds: from a file in memory to a collection in which sources use all of their timeout.
    private static let bounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

    private struct Route {
        var requests: [Int: UInt64] = [:]
        var durations = MetricHistogram(buckets: bounds.map { .init(upperBound: $0) }, sum: .real(0))
    }

    /// The start of counting, in seconds since 1970.
    let created = MonotonicTime.wallClockSeconds
    private let routes = Locked<[String: Route]>([:])

    /// Starts with no requests.
    public init() {}

    /// Counts a request.
    ///
    /// - Parameters:
    ///   - path: the path of a route, never one that a client chose freely: each path has its own series.
    ///   - status: the HTTP status code.
    ///   - nanoseconds: from the head of the request to the end of the response.
    public func count(path: String, status: Int, nanoseconds: UInt64) {
        let seconds = Double(nanoseconds) / 1e9
        routes.withLock { routes in
            routes[path, default: Route()].requests[status, default: 0] &+= 1
            routes[path, default: Route()].durations.observe(seconds)
        }
    }

    /// Requests by path and status.
    var requests: [MetricPoint] {
        routes.withLock { $0 }.sorted { $0.key < $1.key }.flatMap { path, route in
            route.requests.sorted { $0.key < $1.key }.map { status, count in
                MetricPoint(["path": path, "status": "\(status)"], .unsigned(count))
            }
        }
    }

    /// Durations by path.
    var durations: [MetricPoint] {
        routes.withLock { $0 }.sorted { $0.key < $1.key }.map { MetricPoint(["path": $0.key], $0.value.durations) }
    }
}

extension MetricHistogram {
    fileprivate mutating func observe(_ value: Double) {
        sum = .real(sum.double + value)
        if let index = buckets.firstIndex(where: { value <= $0.upperBound }) {
            buckets[index].count &+= 1
        } else {
            rest &+= 1
        }
    }
}
