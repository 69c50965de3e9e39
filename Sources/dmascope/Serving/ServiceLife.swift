import CommandSupport
import DMAController
import Glibc
import LinuxSystem
import SystemPackage
import TelemetryClient
import WebServer

/// What the service manager learns of this service, if one has started it: that clients can use it, that it works, and that it
/// ends.
final class ServiceLife: Sendable {
    /// A thread that has to answer for the service to work.
    enum Loop: Sendable {
        /// That of the telemetry server at this path.
        case telemetry(path: String)
        case controller(DMAController)
        case web
        /// The process behind it.
        case connector(SourceConnector)
    }

    private let manager: ServiceManager?

    /// Takes the variables of the service manager out of the environment. Call it before any other thread exists.
    init() throws(Failure) {
        do throws(Errno) {
            manager = try ServiceManager.fromEnvironment()
        } catch {
            throw Failure("cannot reach the service manager at NOTIFY_SOCKET: \(error)")
        }
    }

    /// Clients can use the service.
    func ready(_ status: String) {
        switch manager {
        case .some(let manager): manager.notifyReady(status: status)
        case .none: break
        }
    }

    /// The service has begun to end.
    func stopping() {
        switch manager {
        case .some(let manager): manager.notifyStopping()
        case .none: break
        }
    }

    /// Tells a manager that watches that the service works, each time after all of these have answered. One that does not
    /// answer in time, in a quarter of the manager's interval, is asked again; meanwhile the manager learns nothing, and ends
    /// the service when its interval is over.
    func watch(_ loops: [Loop]) {
        guard let interval = watchdogInterval else { return }
        // It ends with the process: the service is watched until its end.
        _ = try? SystemThread.start(name: "watchdog") { [self] in
            var pings = loops.map(LoopPing.init)
            var next = MonotonicTime.now
            while true {
                var isAlive = true
                for index in pings.indices { isAlive = pings[index].isAnswered(within: interval / 4) && isAlive }
                if isAlive { confirm() }
                next = next.advanced(by: interval / 2)
                if next < .now { next = .now }
                Pause.until(next)
            }
        }.detach()
    }

    private var watchdogInterval: Duration? {
        switch manager {
        case .some(let manager): manager.watchdogInterval
        case .none: nil
        }
    }

    private func confirm() {
        switch manager {
        case .some(let manager): manager.confirmLife()
        case .none: break
        }
    }
}

/// Asks one thread again and again whether it works.
private struct LoopPing {
    let loop: ServiceLife.Loop
    /// Kept: a server that has all clients that it takes has this one among them.
    private var client: TelemetryClient?

    init(_ loop: ServiceLife.Loop) {
        self.loop = loop
    }

    mutating func isAnswered(within timeout: Duration) -> Bool {
        switch loop {
        case .controller(let controller): return controller.answers(within: timeout)
        case .connector(let connector): return (try? connector.search()) != nil
        case .web:
            guard let answered = try? EventDescriptor() else { return false }
            let event = Answer(answered)
            HTTPService.afterCurrentWork { event.event.signal() }
            return event.isSignalled(within: timeout)
        case .telemetry(let path):
            do throws(TelemetryClientError) {
                if client == nil { client = try TelemetryClient(path: path, timeout: timeout) }
                _ = try client?.requestText("/info", timeout: timeout)
                return true
            } catch {
                client = nil
                return false
            }
        }
    }

    private final class Answer: Sendable {
        let event: EventDescriptor

        init(_ event: consuming EventDescriptor) {
            self.event = event
        }

        func isSignalled(within timeout: Duration) -> Bool {
            let deadline = MonotonicTime.now.advanced(by: timeout)
            var entry = pollfd(fd: event.raw, events: Int16(POLLIN), revents: 0)
            if case .success(1) = systemCall({ poll(&entry, 1, deadline.millisecondsLeft) }) { return true }
            return false
        }
    }
}
