internal import CDMADev
internal import CDPDKObserver
internal import DMADev
internal import LinuxSystem

/// What DPDK's driver counts, compared with what was observed.
final class DriverStatistics: Sendable {
    private let id: Int16
    /// How far the two may be apart while operations are in flight: a driver may count when an operation ends, and not when
    /// it is polled.
    private let tolerance: UInt64
    private let state: Locked<State>

    private struct State {
        let read: (@convention(c) (Int16, UInt16, UnsafeMutablePointer<dmascope_dpdk_stats>?) -> CInt)?
        /// By channel; empty while the device is stopped: a device that is closed must not be read.
        var bases: [(driver: Statistics, observed: Statistics)] = []

        func statistics(_ id: Int16, _ vchan: UInt16) -> Statistics? {
            var statistics = dmascope_dpdk_stats()
            guard let read, read(id, vchan, &statistics) == 0 else { return nil }
            return Statistics(
                submitted: statistics.submitted, completed: statistics.completed, errors: statistics.errors)
        }
    }

    init(_ device: dmascope_dpdk_device) {
        id = device.id
        tolerance = UInt64(device.max_desc)
        state = Locked(State(read: device.stats_get))
    }

    /// Both sides count from here.
    func begin(_ channelCount: UInt16) {
        state.withLock { state in
            state.bases = (0..<channelCount).map { vchan in
                (state.statistics(id, vchan) ?? Statistics(), observed(vchan) ?? Statistics())
            }
        }
    }

    /// When it returns, DPDK is not called any more.
    func end() { state.withLock { $0.bases = [] } }

    /// The driver's statistics, and whether they differ; `nil`: the device is stopped, or DPDK has none.
    func compare(_ vchan: UInt16) -> (statistics: Statistics, differs: Bool)? {
        state.withLock { state in
            guard Int(vchan) < state.bases.count, let before = observed(vchan),
                let driver = state.statistics(id, vchan), let after = observed(vchan),
                let counters = observer_counters(id, vchan)
            else { return nil }
            let base = state.bases[Int(vchan)]
            let isIdle = before == after && observer_in_flight(counters) <= 0
            func differs(_ count: KeyPath<Statistics, UInt64>, _ tolerance: UInt64) -> Bool {
                let driver = driver[keyPath: count] &- base.driver[keyPath: count]
                let least = before[keyPath: count] &- base.observed[keyPath: count]
                let most = after[keyPath: count] &- base.observed[keyPath: count]
                return driver > most &+ tolerance || driver &+ tolerance < least
            }
            // Enqueued and not rung is submitted for some drivers. In silent mode nothing is polled.
            let isSilent = observer_is_silent(id)
            return (
                driver,
                differs(\.submitted, tolerance) || !isSilent && differs(\.completed, isIdle ? 0 : tolerance)
                    || !isSilent && differs(\.errors, isIdle ? 0 : tolerance)
            )
        }
    }

    private func observed(_ vchan: UInt16) -> Statistics? {
        observer_counters(id, vchan).map { counters in
            Statistics(reading: counters.member(\.counters.engine), counters.member(\.counters.application))
        }
    }
}
