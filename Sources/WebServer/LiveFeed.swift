import Dispatch
import LinuxSystem
import LivePage
import NIOCore
import TelemetryClient
import TelemetryWire

/// Shares snapshots between viewers: the sources are read once for all viewers, and never without a viewer.
///
/// A viewer requests the next snapshot after it has sent the previous one. A slow viewer skips snapshots; none are queued
/// for it.
actor LiveFeed {
    /// One snapshot; all viewers receive the same bytes.
    struct Frame: Sendable {
        /// The sequence number, from 1.
        let number: UInt64
        /// The JSON text, or the error of the collection.
        let text: Result<ByteBuffer, TelemetryClientError>
        fileprivate let began: MonotonicTime
    }

    /// The minimum time from the start of one collection to the start of the next.
    static let interval = Duration.seconds(1)

    private let collector: SnapshotCollector
    // A collection blocks while it waits for sources, so it must not run on the server's thread.
    private let queue = DispatchQueue(label: "live-page")
    private var latest: Frame?
    private var isCollecting = false
    private var waiting: [UInt64: CheckedContinuation<Frame, any Error>] = [:]
    private var lastTicket: UInt64 = 0

    init(_ collector: SnapshotCollector) {
        self.collector = collector
    }

    /// Returns the latest snapshot if it is younger than ``interval`` and not the one with number `seen`; else the next one.
    ///
    /// - Throws: `CancellationError` when the task is cancelled.
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
            Task { await self.cancel(ticket) }
        }
    }

    private func cancel(_ ticket: UInt64) {
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
