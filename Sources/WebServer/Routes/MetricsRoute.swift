import Dispatch
import HTTPTypes
import HummingbirdCore
import LinuxSystem
import Logging
public import MetricsExporter
import NIOCore
import OpenMetricsText
import TelemetryClient

extension HTTPRoute {
    /// `GET /metrics`: a collection in the format that the client accepts.
    public static func metrics(of collector: MetricsCollector) -> HTTPRoute {
        // A collection blocks while it waits for sources, so it must not run on the server's thread. Collections run one after
        // another, so a second thread would not help.
        let queue = DispatchQueue(label: "metrics")
        let limiter = Locked(LogRateLimiter())
        return HTTPRoute("/metrics", "metrics for scrapers") { request, logger in
            let format = MetricsText(accepting: request.headers[values: .accept].joined(separator: ","))
            let requested = MonotonicTime.now
            do {
                let text = try await withCheckedThrowingContinuation { continuation in
                    queue.async {
                        continuation.resume(
                            with: Result { ByteBuffer(bytes: try format.utf8(of: collector.collect(since: requested))) }
                        )
                    }
                }
                return await .long(
                    text, for: request,
                    headers: [.contentType: format.contentType, .vary: "Accept"])
            } catch {
                if let suppressed = limiter.withLock({ $0.admit() }) {
                    logger.error(
                        "metrics cannot be collected", metadata: ["error": "\(error)", "suppressed": "\(suppressed)"])
                }
                return .text(.internalServerError, "metrics cannot be collected: \(error)\n")
            }
        }
    }
}
