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
    /// `GET /metrics`: a collection in the format that the client accepts, sent in parts.
    public static func metrics(of collector: MetricsCollector) -> HTTPRoute {
        // A collection blocks while it waits for sources, so it must not run on the server's thread. Collections run one after
        // another, so a second thread would not help. Texts of earlier collections do not wait for it.
        let queue = DispatchQueue(label: "metrics")
        let texts = LongTexts("metrics-texts")
        let limiter = Locked(LogRateLimiter())
        return HTTPRoute("/metrics", "metrics for scrapers") { request, logger in
            let format = MetricsText(accepting: request.headers[values: .accept].joined(separator: ","))
            let requested = MonotonicTime.now
            let report: @Sendable (any Error) -> Void = { error in
                if let suppressed = limiter.withLock({ $0.admit() }) {
                    logger.error(
                        "metrics cannot be collected", metadata: ["error": "\(error)", "suppressed": "\(suppressed)"])
                }
            }
            do {
                let metrics = try await withCheckedThrowingContinuation { continuation in
                    queue.async {
                        continuation.resume(
                            with: Result { try MetricsTextParts(of: collector.collect(since: requested), in: format) })
                    }
                }
                var rest = metrics
                return try await texts.response(
                    { try rest.next().map { ByteBuffer(bytes: $0) } }, to: request,
                    headers: [.contentType: format.contentType, .vary: "Accept"], onFailure: report)
            } catch {
                report(error)
                return .text(.internalServerError, "metrics cannot be collected: \(error)\n")
            }
        }
    }
}
