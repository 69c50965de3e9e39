import Glibc
import LinuxSystem
import SystemPackage

/// Something that listens on a socket and follows a script, whatever clients want. One client after the other.
public final class FakePeer {
    /// One step with a client.
    public enum Step: Sendable {
        /// Sends these bytes.
        case send(String)
        /// Waits for one message of the client.
        case receive
        /// Waits until the client closes the connection.
        case waitForEnd
    }

    /// A greeting as DPDK sends it.
    public static let greeting = greeting(maximumOutputLength: 16384)

    /// A greeting of a server whose replies may be as long.
    public static func greeting(maximumOutputLength length: Int) -> String {
        #"{"version":"DPDK 26.11.0-rc0","pid":4711,"max_output_len":\#(length)}"#
    }

    /// The path of the socket.
    public let path: String
    private let stop: Stop
    private let thread: SystemThread

    private final class Stop: Sendable {
        let event: EventDescriptor

        init() throws(Errno) { event = try EventDescriptor() }
    }

    /// Listens on `path`. Without steps it takes no client: they wait in the backlog.
    public init(_ path: String, backlog: Int = 16, _ steps: [Step]?) throws(Errno) {
        self.path = path
        let stop = try Stop()
        self.stop = stop
        let listener = try SequencedPacketSocket.open()
        try SequencedPacketSocket.bind(listener, to: path, mode: [.ownerReadWrite])
        try SequencedPacketSocket.listen(listener, backlog: backlog)
        let raw = listener.release()
        thread = try SystemThread.start(name: "fake-peer") {
            FakePeer.serve(OwnedDescriptor(adopting: raw), steps, unless: stop)
        }
    }

    deinit {
        stop.event.signal()
        thread.join()
    }

    private static func serve(_ listener: consuming OwnedDescriptor, _ steps: [Step]?, unless stop: Stop) {
        while wait(for: listener.raw, unless: stop) {
            guard let steps else {
                // Only the stop event ends the wait: the listener stays readable.
                _ = wait(for: -1, unless: stop)
                return
            }
            guard let client = try? SequencedPacketSocket.accept(listener) else { return }
            // For messages beyond the usual limit, which only the superuser may exceed.
            var size: CInt = 4 << 20
            setsockopt(client.raw, SOL_SOCKET, SO_SNDBUFFORCE, &size, socklen_t(MemoryLayout<CInt>.size))
            for step in steps where !take(step, with: client, unless: stop) { break }
        }
    }

    private static func take(_ step: Step, with client: borrowing OwnedDescriptor, unless stop: Stop) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 2048)
        switch step {
        case .send(let text):
            return Array(text.utf8).withUnsafeBytes { SequencedPacketSocket.send($0, on: client.raw) } == nil
        case .receive:
            guard wait(for: client.raw, unless: stop) else { return false }
            let result = buffer.withUnsafeMutableBytes { SequencedPacketSocket.receive(into: $0, on: client.raw) }
            if case .success(let length) = result { return length > 0 }
            return false
        case .waitForEnd:
            while take(.receive, with: client, unless: stop) {}
            return false
        }
    }

    /// Waits until a descriptor is readable; `false` when the peer is to stop.
    private static func wait(for descriptor: CInt, unless stop: Stop) -> Bool {
        var entries = [
            pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: stop.event.raw, events: Int16(POLLIN), revents: 0),
        ]
        _ = systemCall { poll(&entries, 2, -1) }
        return entries[1].revents == 0
    }
}
