internal import DMADev
internal import LinuxSystem
internal import SystemPackage

/// Requests for a report from other threads. Only the control thread may access the state that a report describes.
final class ReportRequests: Sendable {
    private struct State {
        var asked: UInt64 = 0
        var answered: UInt64 = 0
        var report: ControllerReport
        var isClosed = false
    }

    /// Readable when a request is pending.
    let event: EventDescriptor
    private let state: Locked<State>
    private let changes = ChangeCount()

    init(controllerID: UInt16) throws(Errno) {
        event = try EventDescriptor()
        state = Locked(State(report: ControllerReport(controllerID: controllerID)))
    }

    /// Requests a report and blocks until it is made. Any thread. After the controller has ended: its last report.
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

    /// Answers all requests made so far. For the control thread.
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

    /// Ends the service: every request, pending or later, returns this last report.
    func close(_ last: ControllerReport) {
        state.withLock { state in
            state.report = last
            state.isClosed = true
        }
        changes.increment()
    }
}
