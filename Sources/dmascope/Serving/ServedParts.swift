import CommandSupport
import Dispatch
import Glibc
import LinuxSystem
import Logging
import ServiceLifecycle

/// A part of the program that already runs, on its own threads. It is stopped when its turn comes.
///
/// `end` waits for these threads only, never for a task.
struct WorkingPart: Service {
    let end: @Sendable () -> Void

    func run() async {
        // An error means that the task was cancelled: the part has to be stopped then, too.
        try? await gracefulShutdown()
        end()
    }
}

/// Prints the summary once the last part is ready.
struct SummaryPart: Service {
    /// Yields one element: the address of HTTP, or `nil`.
    let locations: AsyncStream<String?>
    let summary: @Sendable (String?) -> String

    func run() async throws {
        for await location in locations.cancelOnGracefulShutdown() { try StandardStreams.print(summary(location)) }
    }
}

extension ServiceGroup {
    /// A group of parts that end in reverse order. If one fails, the others end as after a signal.
    init(parts: [(name: String, service: any Service)], logger: Logger) {
        let services = parts.map { part in
            ServiceGroupConfiguration.ServiceConfiguration(
                service: part.service, failureTerminationBehavior: .gracefullyShutdownGroup, serviceName: part.name)
        }
        self.init(configuration: ServiceGroupConfiguration(services: services, logger: logger))
    }

    /// Runs the group until a signal is received or a part fails, and returns when all parts have ended. The second
    /// signal ends the process immediately.
    ///
    /// Call it on the main thread, with the signals blocked in all threads. Tasks run on other threads.
    ///
    /// - Parameter stopping: called at the signal, before the parts end.
    nonisolated func run(until termination: Termination, stopping: @escaping @Sendable () -> Void = {}) throws {
        try SystemThread.start(name: "signals") {
            termination.wait()
            stopping()
            Task.detached { await self.triggerGracefulShutdown() }
            // The next signal is delivered to this thread, which has it unblocked.
            while true { pause() }
        }.detach()
        let failure = Locked<(any Error)?>(nil)
        let hasEnded = DispatchSemaphore(value: 0)
        Task.detached {
            do { try await self.run() } catch { failure.withLock { $0 = error } }
            hasEnded.signal()
        }
        hasEnded.wait()
        if let failure = failure.withLock({ $0 }) { throw failure }
    }
}
