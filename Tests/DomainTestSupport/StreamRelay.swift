import Glibc
import LinuxSystem
import SystemPackage
import TestSupport

/// Stands in for QEMU: passes bytes between a host's socket and a guest's. The host's connection stays when the guest's
/// ends, as over a reset of a guest.
public final class StreamRelay: Sendable {
    /// Where the host connects.
    public let hostPath: String
    /// Where the guest connects.
    public let guestPath: String
    private let isStopped = Locked(false)
    private let thread: SystemThread

    /// Listens at both.
    public init(_ directory: TemporaryDirectory, _ name: String) throws {
        hostPath = directory.file(name + ".channel")
        guestPath = directory.file(name + ".port")
        let host = try StreamSocket.listen(at: hostPath).release(),
            guest = try StreamSocket.listen(at: guestPath).release()
        thread = try SystemThread.start(name: "test-relay") { [isStopped] in
            var sides = [Side(listener: host), Side(listener: guest)]
            while !isStopped.withLock({ $0 }) { Self.turn(&sides) }
            for side in sides { side.close() }
        }
    }

    deinit {
        isStopped.withLock { $0 = true }
        thread.join()
    }

    private struct Side {
        let listener: CInt
        var stream: CInt = -1
        /// What goes to it.
        var waiting: [UInt8] = []

        func close() {
            Glibc.close(listener)
            if stream >= 0 { Glibc.close(stream) }
        }
    }

    private static func turn(_ sides: inout [Side]) {
        var watched: [pollfd] = []
        for index in 0..<2 {
            let other = sides[1 - index]
            let reads = other.waiting.count < 64 << 10 ? Int16(POLLIN) : 0
            let writes = sides[index].waiting.isEmpty ? 0 : Int16(POLLOUT)
            watched.append(pollfd(fd: sides[index].listener, events: Int16(POLLIN), revents: 0))
            watched.append(pollfd(fd: sides[index].stream, events: reads | writes, revents: 0))
        }
        guard poll(&watched, 4, 20) > 0 else { return }
        for index in 0..<2 {
            if watched[2 * index].revents != 0 {
                let new = accept(sides[index].listener, nil, nil)
                if new >= 0 {
                    _ = fcntl(new, F_SETFL, O_NONBLOCK)
                    _ = fcntl(new, F_SETFD, FD_CLOEXEC)
                    end(&sides[index])
                    sides[index].stream = new
                }
                continue
            }
            let events = Int32(watched[2 * index + 1].revents)
            if events & POLLOUT != 0 {
                let count = sides[index].waiting.withUnsafeBytes {
                    send(sides[index].stream, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
                }
                if count > 0 { sides[index].waiting.removeFirst(count) }
            }
            if events & (POLLIN | POLLHUP | POLLERR) != 0 {
                var buffer = [UInt8](repeating: 0, count: 16 << 10)
                let count = read(sides[index].stream, &buffer, buffer.count)
                if count > 0 {
                    // Bytes to nobody are lost.
                    if sides[1 - index].stream >= 0 { sides[1 - index].waiting += buffer.prefix(count) }
                } else if count == 0 || errno != EAGAIN {
                    end(&sides[index])
                }
            }
        }
    }

    private static func end(_ side: inout Side) {
        if side.stream >= 0 { close(side.stream) }
        side.stream = -1
        side.waiting = []
    }
}
