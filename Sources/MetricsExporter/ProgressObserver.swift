import DMADev
import LinuxSystem
import TelemetryClient

/// Determines the state of channels of which only the counters are known, by comparing them with those of earlier looks.
/// Any thread may use it.
package final class ProgressObserver: Sendable {
    /// A channel of a process.
    package struct Channel: Hashable, Sendable {
        let source: TelemetrySource
        let process: Int64
        let device: UInt64
        let vchan: UInt64

        package init(source: TelemetrySource, process: Int64, device: UInt64, vchan: UInt64) {
            self.source = source
            self.process = process
            self.device = device
            self.vchan = vchan
        }
    }

    private struct Record {
        var completed: UInt64
        /// When operations in flight were seen first with this value.
        var since: MonotonicTime
        var isIdle: Bool
        var seen: MonotonicTime
    }

    private let stuckTime: Duration
    private let records = Locked<[Channel: Record]>([:])

    /// An observer that knows no channel yet.
    ///
    /// - Parameter stuckTime: the time without a completed operation after which an active channel is stuck.
    package init(stuckAfter stuckTime: Duration = ChannelProgress.defaultStuckTime) {
        self.stuckTime = stuckTime
    }

    /// The state of a channel with these counters. At the first look it is never stuck.
    package func state(
        of channel: Channel, submitted: UInt64, completed: UInt64, at now: MonotonicTime = .now
    ) -> ChannelProgress.State {
        records.withLock { records in
            let isIdle = submitted <= completed
            let before = records[channel]
            let isSame = before?.completed == completed && before?.isIdle == false
            let since = isSame ? before?.since ?? now : now
            records[channel] = Record(completed: completed, since: since, isIdle: isIdle, seen: now)
            if isIdle { return .idle }
            return now >= since.advanced(by: stuckTime) ? .stuck : .active
        }
    }

    /// Forgets the channels that were not looked at for an hour.
    func forgetOld(at now: MonotonicTime = .now) {
        records.withLock { records in
            records = records.filter { now < $0.value.seen.advanced(by: .seconds(3600)) }
        }
    }
}
