internal import DMADev
internal import LinuxSystem
internal import SystemPackage

/// Where others ask the control thread for a report: it alone may look at what it has.
final class ReportDesk: Sendable {
    private struct State {
        var asked: UInt64 = 0
        var answered: UInt64 = 0
        var report: ControllerReport
        var isClosed = false
    }

    /// Readable when somebody asks.
    let event: EventDescriptor
    private let state: Locked<State>
    private let changes = ChangeCount()

    init(controllerID: UInt16) throws(Errno) {
        event = try EventDescriptor()
        state = Locked(State(report: ControllerReport(controllerID: controllerID)))
    }

    /// Asks and waits; of a controller that has ended, its last report.
    func ask() -> ControllerReport {
        let ticket = state.withLock { state in
            state.asked += 1
            return state.asked
        }
        event.signal()
        while true {
            let seen = changes.value
            let report = state.withLock { $0.isClosed || $0.answered >= ticket ? $0.report : nil }
            if let report { return report }
            changes.wait(while: seen, atMost: 1_000_000_000)
        }
    }

    /// The control thread's answer to all who have asked until now.
    func answer(_ make: () -> ControllerReport) {
        _ = event.drain()
        let asked = state.withLock { $0.asked }
        let report = make()
        state.withLock { state in
            state.answered = asked
            state.report = report
        }
        changes.increment()
    }

    /// Nobody answers any more.
    func close(_ last: ControllerReport) {
        state.withLock { state in
            state.report = last
            state.isClosed = true
        }
        changes.increment()
    }
}
