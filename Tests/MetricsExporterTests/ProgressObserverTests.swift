import DMADev
import LinuxSystem
import TelemetryClient
import Testing

@testable import MetricsExporter

/// The state of channels of which only the counters are known.
@Suite struct ProgressObserverTests {
    private let observer = ProgressObserver(stuckAfter: .seconds(2))
    private let start = MonotonicTime.now

    private func channel(_ vchan: UInt64 = 0, process: Int64 = 1) -> ProgressObserver.Channel {
        .init(source: TelemetrySource(path: "/run/dpdk/a/dpdk_telemetry.v2"), process: process, device: 0, vchan: vchan)
    }

    private func state(
        _ channel: ProgressObserver.Channel, _ submitted: UInt64, _ completed: UInt64, after seconds: Int
    ) -> ChannelProgress.State {
        observer.state(
            of: channel, submitted: submitted, completed: completed, at: start.advanced(by: .seconds(seconds)))
    }

    @Test func aChannelIsStuckAfterATimeWithoutCompletions() {
        let channel = channel()
        #expect(state(channel, 5, 5, after: 0) == .idle)
        // It had nothing to do until now: the time starts with its work.
        #expect(state(channel, 9, 5, after: 10) == .active)
        #expect(state(channel, 9, 5, after: 11) == .active)
        #expect(state(channel, 99, 5, after: 12) == .stuck)
        #expect(state(channel, 99, 6, after: 13) == .active)
        #expect(state(channel, 99, 6, after: 15) == .stuck)
        #expect(state(channel, 99, 99, after: 16) == .idle)
        // The counters were reset.
        #expect(state(channel, 1, 0, after: 17) == .active)
    }

    @Test func eachChannelOfEachProcessHasItsOwnTime() {
        #expect(state(channel(0), 2, 1, after: 0) == .active)
        #expect(state(channel(1), 2, 1, after: 5) == .active)
        #expect(state(channel(0, process: 2), 2, 1, after: 5) == .active)
        #expect(state(channel(0), 2, 1, after: 5) == .stuck)
        observer.forgetOld(at: start.advanced(by: .seconds(3602)))
        #expect(state(channel(0), 2, 1, after: 3602) == .stuck)
        observer.forgetOld(at: start.advanced(by: .seconds(9999)))
        #expect(state(channel(0), 2, 1, after: 9999) == .active)
    }
}
