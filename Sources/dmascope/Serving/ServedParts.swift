import Dispatch
import Glibc
import LinuxSystem
import Logging
import ServiceLifecycle

/// A part of the program that works already, on threads of its own, and is ended when its turn has come.
///
/// Its end waits for these threads only, never for a task.
struct WorkingPart: Service {
    let end: @Sendable () -> Void

    func run() async {
        // Cancelled or not: it has to end.
        try? await gracefulShutdown()
        end()
    }
}

/// Says that everything is there, once the last part is.
struct GreetingPart: Service {
    /// Gives one element: where HTTP is served, if it is.
    let locations: AsyncStream<String?>
    let greeting: @Sendable (String?) -> String

    func run() async throws {
        for await location in locations.cancelOnGracefulShutdown() { try StandardStreams.print(greeting(location)) }
    }
}

extension ServiceGroup {
    /// The parts of a program, which end in reverse order. When one fails the others end as they do at a signal.
    init(parts: [(name: String, service: any Service)], logger: Logger) {
        let services = parts.map { part in
            ServiceGroupConfiguration.ServiceConfiguration(
                service: part.service, failureTerminationBehavior: .gracefullyShutdownGroup, serviceName: part.name)
        }
        self.init(configuration: ServiceGroupConfiguration(services: services, logger: logger))
    }

    /// Runs the group until a signal comes or a part fails, and returns when all parts have ended. The second signal ends
    /// the process at once.
    ///
    /// Called on the main thread, before which no other one may take signals; tasks run on other threads.
    nonisolated func run(until termination: Termination) throws {
        try SystemThread.start(name: "signals") {
            termination.wait()
            Task.detached { await self.triggerGracefulShutdown() }
            // This is the thread that the next signal finds.
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
