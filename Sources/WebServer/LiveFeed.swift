import Dispatch
import LinuxSystem
import LivePage
import NIOCore
import TelemetryClient
import TelemetryWire

/// Snapshots for everybody who waits for one: many viewers cost the sources no more than one, and without a viewer
/// nobody is asked.
///
/// A viewer asks for the next snapshot once it has sent the last one. One that is slow misses those in between; nothing
/// is kept for it.
actor LiveFeed {
    /// One snapshot, the same bytes for all viewers.
    struct Frame: Sendable {
        /// Counts from 1.
        let number: UInt64
        /// The JSON text, or why there is none.
        let text: Result<ByteBuffer, TelemetryClientError>
        fileprivate let began: MonotonicTime
    }

    /// From the beginning of one collection to that of the next.
    static let interval = Duration.seconds(1)

    private let collector: SnapshotCollector
    // Collecting waits for sources: not on the server's thread.
    private let queue = DispatchQueue(label: "live-page")
    private var latest: Frame?
    private var isCollecting = false
    private var waiting: [UInt64: CheckedContinuation<Frame, any Error>] = [:]
    private var lastTicket: UInt64 = 0

    init(_ collector: SnapshotCollector) {
        self.collector = collector
    }

    /// The latest snapshot, unless it is an old one or has been seen; else the next one.
    ///
    /// - Throws: `CancellationError`, when the task is cancelled.
    func next(after seen: UInt64?) async throws -> Frame {
        if let latest, latest.number != seen, MonotonicTime.now < latest.began.advanced(by: Self.interval) {
            return latest
        }
        lastTicket += 1
        let ticket = lastTicket
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                guard !Task.isCancelled else { return continuation.resume(throwing: CancellationError()) }
                waiting[ticket] = continuation
                collectIfNeeded()
            }
        } onCancel: {
            Task { await self.giveUp(ticket) }
        }
    }

    private func giveUp(_ ticket: UInt64) {
        waiting.removeValue(forKey: ticket)?.resume(throwing: CancellationError())
    }

    private func collectIfNeeded() {
        guard !isCollecting, !waiting.isEmpty else { return }
        isCollecting = true
        Task {
            if let due = latest?.began.advanced(by: Self.interval) {
                try? await Task.sleep(for: .nanoseconds(due.nanoseconds(since: .now)))
            }
            // All viewers may have left meanwhile.
            if !waiting.isEmpty { deliver(await collect()) }
            isCollecting = false
            collectIfNeeded()
        }
    }

    private func collect() async -> Frame {
        let number = (latest?.number ?? 0) + 1
        return await withCheckedContinuation { continuation in
            queue.async { [collector] in
                let began = MonotonicTime.now
                let text = Result { () throws(TelemetryClientError) in
                    try JSONValue(collector.snapshot()).withText { ByteBuffer(bytes: $0) }
                }
                continuation.resume(returning: Frame(number: number, text: text, began: began))
            }
        }
    }

    private func deliver(_ frame: Frame) {
        latest = frame
        let viewers = waiting
        waiting = [:]
        for viewer in viewers.values { viewer.resume(returning: frame) }
    }
}
