import CommandSupport
import Glibc
import LinuxSystem
import ServiceLifecycle
import SystemPackage
import TelemetryClient

/// The connector of a monitor: a process that has the capability, while this one gives it up.
final class ConnectorProcess {
    let connector: SourceConnector
    private let process: ChildProcess
    private let handle: OwnedDescriptor

    /// Starts it. Call it before any other thread exists, and then ``giveUpRights(but:)``.
    init(roots: [String]) throws(Failure) {
        do throws(Errno) {
            let ends = try SequencedPacketSocket.pair().release()
            let here = OwnedDescriptor(adopting: ends.first)
            let there = OwnedDescriptor(adopting: ends.second)
            // Whatever name this program was started by.
            process = try ChildProcess(
                "/proc/self/exe", ["dmascope", "connector"] + roots, descriptors: [there.raw, 2, 2])
            handle = try ProcessDescriptor.open(process.pid)
            connector = SourceConnector(here, roots: roots)
            _ = consume there
        } catch {
            throw Failure("cannot start the process that connects sockets: \(error)")
        }
    }

    /// Gives up the capabilities of this process for ever; what it starts has none.
    static func giveUpRights(but kept: ProcessCapabilities) throws(Failure) -> ProcessCapabilities {
        do throws(Errno) {
            return try kept.keepOnlyThese()
        } catch {
            throw Failure("cannot give up capabilities: \(error)")
        }
    }

    /// Fails when the process has ended before the service.
    var part: some Service { EndOfProcess(handle.raw) }
}

/// Waits for the end of a process.
private struct EndOfProcess: Service {
    let process: CInt

    init(_ process: CInt) {
        self.process = process
    }

    func run() async throws {
        let (ends, continuation) = AsyncStream.makeStream(of: Void.self)
        let stop = try EndOfWait()
        let thread = try SystemThread.start(name: "connector") { [process] in
            if stop.isProcessEnded(process) { continuation.yield() }
        }
        var hasEnded = false
        for await _ in ends.cancelOnGracefulShutdown() {
            hasEnded = true
            break
        }
        stop.event.signal()
        thread.join()
        if hasEnded { throw Failure("the process that connects sockets has ended: start the monitor again") }
    }
}

/// Ends the wait for a process.
private final class EndOfWait: Sendable {
    let event: EventDescriptor

    init() throws(Errno) {
        event = try EventDescriptor()
    }

    /// Waits; false: for nothing more.
    func isProcessEnded(_ process: CInt) -> Bool {
        var entries = [process, event.raw].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        _ = systemCall { poll(&entries, 2, -1) }
        return entries[1].revents == 0
    }
}
