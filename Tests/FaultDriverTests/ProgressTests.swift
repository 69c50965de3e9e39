import DMADev
import LinuxSystem
import TestSupport
import Testing

/// What can be seen of a channel on which nothing moves.
@Suite struct ProgressTests {
    @Test("A frozen channel is stuck after the chosen time, and tells for how long")
    func stuck() throws {
        let bench = try FaultBench("freeze=3")
        func progress() -> ChannelProgress { bench.device.view.progress(of: 0) }
        #expect(progress() == ChannelProgress(status: .idle))
        #expect(progress().state() == .idle)
        let begin = MonotonicTime.now
        try bench.copy(0..<2)
        try bench.waitUntilIdle()
        #expect(progress().oldestOperationAge == nil)
        #expect(try #require(progress().lastCompletionAge) < .seconds(60))

        // One batch of which one operation was the last to finish, and one that never begins.
        try bench.copy(2..<5)
        try bench.copy(5..<6)
        try eventually("the channel is stuck") { progress().state(stuckAfter: .milliseconds(50)) == .stuck }
        let (now, elapsed) = (progress(), Duration.nanoseconds(Int64(MonotonicTime.now.nanoseconds(since: begin))))
        let (oldest, last) = try (#require(now.oldestOperationAge), #require(now.lastCompletionAge))
        #expect(now.status == .active)
        #expect(oldest >= .milliseconds(50) && oldest <= last && last <= elapsed)
        #expect(now.state(stuckAfter: .seconds(3600)) == .active)

        // Another doorbell changes nothing: the oldest operation is still there.
        try bench.copy(6..<7)
        #expect(try #require(progress().oldestOperationAge) >= oldest)
        #expect(progress().state(stuckAfter: .milliseconds(50)) == .stuck)
        // A stop finishes all of them, as aborted.
        try bench.device.stop()
        #expect(progress().state() == .idle && progress().oldestOperationAge == nil)
        #expect(try #require(progress().lastCompletionAge) < last)
    }

    @Test("The doorbell counts, also in the middle of a batch")
    func middleOfBatch() throws {
        let bench = try FaultBench("freeze=40")
        let begin = MonotonicTime.now
        try bench.copy(0..<50)
        try eventually("the channel is frozen") { bench.device.view.ringUse(of: 0)?.running == 11 }
        let elapsed = Duration.nanoseconds(Int64(MonotonicTime.now.nanoseconds(since: begin)))
        let progress = bench.device.view.progress(of: 0)
        let (oldest, last) = try (#require(progress.oldestOperationAge), #require(progress.lastCompletionAge))
        #expect(last <= oldest && oldest <= elapsed + .seconds(1))
    }

    @Test("A halted device is halted whatever its times are")
    func halted() throws {
        let bench = try FaultBench("halt=2")
        try bench.copy(0..<3)
        try eventually("the device is halted") { bench.device.view.progress(of: 0).state() == .halted }
        #expect(bench.device.view.progress(of: 0).state(stuckAfter: .zero) == .halted)
    }

    @Test("A delayed completion is not finished before it is visible")
    func delayed() throws {
        let bench = try FaultBench("delay=300ms")
        try bench.copy(0..<2)
        try eventually("the channel is stuck meanwhile") {
            bench.device.view.progress(of: 0).state(stuckAfter: .milliseconds(20)) == .stuck
        }
        #expect(bench.device.view.progress(of: 0).lastCompletionAge == nil)
        try bench.waitUntilIdle()
        #expect(bench.device.view.progress(of: 0).lastCompletionAge != nil)
    }

    @Test("The later of doorbell and last completion counts; a driver without times has no stuck channel")
    func states() {
        func state(_ oldest: Int?, _ last: Int?, _ status: VirtualChannelStatus = .active) -> ChannelProgress.State {
            ChannelProgress(
                status: status, oldestOperationAge: oldest.map { .milliseconds($0) },
                lastCompletionAge: last.map { .milliseconds($0) }
            ).state()
        }
        #expect(state(1000, nil) == .stuck && state(999, nil) == .active)
        #expect(state(5000, 999) == .active && state(999, 5000) == .active && state(5000, 5000) == .stuck)
        #expect(state(nil, 5000) == .active && state(nil, nil) == .active)
        #expect(state(nil, 5000, .idle) == .idle && state(5000, 5000, .haltedError) == .halted)
    }
}
