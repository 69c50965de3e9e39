import Dispatch
import Hummingbird
import LinuxSystem
import Logging
public import MetricsExporter
import NIOCore
import OpenMetricsText
import TelemetryClient

extension HTTPRoute {
    /// `GET /metrics`: what a collector finds, in the format that the client accepts.
    public static func metrics(of collector: MetricsCollector) -> HTTPRoute {
        // Collecting waits for sources: not on the server's thread. More threads would only wait for each other.
        let queue = DispatchQueue(label: "metrics")
        let limiter = Locked(LogRateLimiter())
        return HTTPRoute("/metrics", "metrics for scrapers") { request, context in
            let format = MetricsText(accepting: request.headers[values: .accept].joined(separator: ","))
            let asked = MonotonicTime.now
            do {
                let text = try await withCheckedThrowingContinuation { continuation in
                    queue.async {
                        continuation.resume(with: Result { try format.text(of: collector.collect(since: asked)) })
                    }
                }
                return Response(
                    status: .ok, headers: [.contentType: format.contentType, .vary: "Accept"],
                    body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
            } catch {
                if let suppressed = limiter.withLock({ $0.admit() }) {
                    context.logger.error(
                        "metrics cannot be collected", metadata: ["error": "\(error)", "suppressed": "\(suppressed)"])
                }
                return Response(
                    status: .internalServerError, headers: [.contentType: "text/plain; charset=utf-8"],
                    body: ResponseBody(byteBuffer: ByteBuffer(string: "metrics cannot be collected: \(error)\n")))
            }
        }
    }
}
