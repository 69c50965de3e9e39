import ControllerProtocol
import DMAController
import Glibc
import LinuxSystem
import SystemPackage
import TestSupport

/// The memory that a guest shares with the controller.
final class RegionFile: Sendable {
    let file: OwnedDescriptor
    let byteCount: Int

    init(byteCount: Int = 16 << 20) throws {
        file = try MemoryFile.make(name: "test-region", byteCount: byteCount)
        self.byteCount = byteCount
    }

    var path: String { "/proc/self/fd/\(file.raw)" }

    func truncate(to byteCount: Int) { ftruncate(file.raw, byteCount) }

    /// Maps all of it.
    func map() throws -> SharedMapping { try SharedMapping(of: file.raw, byteCount: byteCount, isWritable: true) }
}

/// Stands in for a guest with its broker: it listens for applications, connects each to the controller, shares out the
/// region, and passes packets on.
final class StandInGuest: Sendable {
    /// Where its applications connect.
    let path: String
    let name: String
    private let stop: EventDescriptor
    private let thread: SystemThread
    private let isJoined = Locked(false)

    init(
        _ controller: DMAController, _ name: String, _ region: RegionFile, in directory: TemporaryDirectory,
        session: UInt64 = 1
    ) throws {
        path = directory.file("\(name)-\(session)")
        self.name = name
        stop = try EventDescriptor()
        let listener = try SequencedPacketSocket.open(nonblocking: true)
        try SequencedPacketSocket.bind(listener, to: path, mode: FilePermissions(rawValue: 0o600))
        try SequencedPacketSocket.listen(listener)
        let (raw, stop) = (listener.release(), stop.raw)
        thread = try SystemThread.start(name: "stand-in-guest") {
            var broker = StandInBroker(listener: raw, stop: stop, controller, name, session, region)
            broker.run()
        }
    }

    /// Ends without a word: all its sockets are closed.
    func end() {
        stop.signal()
        isJoined.withLock { isJoined in
            if !isJoined { thread.join() }
            isJoined = true
        }
    }

    deinit {
        end()
    }
}

/// For its thread.
private struct StandInBroker {
    private struct Connection {
        let application: CInt
        let controller: CInt
        /// Of memory that the application has, by offset.
        var ranges: [UInt64: UInt64] = [:]
        /// The application has gone: only the controller's end is awaited.
        var hasEnded = false
    }

    let listener: CInt
    let stop: CInt
    let controller: DMAController
    let name: String
    let session: UInt64
    let region: RegionFile
    private var connections: [Connection] = []
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Packet.maximumLength, alignment: 16)

    init(
        listener: CInt, stop: CInt, _ controller: DMAController, _ name: String, _ session: UInt64, _ region: RegionFile
    ) {
        self.listener = listener
        self.stop = stop
        self.controller = controller
        self.name = name
        self.session = session
        self.region = region
    }

    mutating func run() {
        while turn() {}
        for connection in connections {
            close(connection.controller)
            if !connection.hasEnded { close(connection.application) }
        }
        close(listener)
        buffer.deallocate()
    }

    private mutating func turn() -> Bool {
        var watched = [stop, listener] + connections.flatMap { [$0.hasEnded ? -1 : $0.application, $0.controller] }
        var events = watched.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        guard poll(&events, nfds_t(events.count), -1) > 0 else { return true }
        guard events[0].revents == 0 else { return false }
        watched = []
        for index in connections.indices.reversed() {
            if events[3 + 2 * index].revents != 0 { passToApplication(index) }
            // The first may have removed it.
            if events[2 + 2 * index].revents != 0, index < connections.count { passToController(index) }
        }
        if events[1].revents != 0 { accept() }
        return true
    }

    private mutating func accept() {
        let accepted = Glibc.accept(listener, nil, nil)
        guard accepted >= 0 else { return }
        do {
            let pair = try SequencedPacketSocket.pair()
            let own = dup(pair.first.raw)
            try controller.connect(
                OwnedDescriptor(adopting: dup(pair.second.raw)), domain: name,
                process: GuestProcess(pid: 4711, uid: 1000, session: session, identity: 7))
            connections.append(Connection(application: accepted, controller: own))
        } catch {
            close(accepted)
        }
    }

    /// The next packet; `nil` at the end.
    private func receive(_ socket: CInt) -> (bytes: UnsafeRawBufferPointer, descriptors: [CInt])? {
        guard var message = try? SequencedPacketSocket.receive(into: buffer, descriptorLimit: 4, on: socket),
            message.byteCount > 0
        else { return nil }
        return (
            UnsafeRawBufferPointer(rebasing: buffer.prefix(message.byteCount)), message.descriptors.release()
        )
    }

    private mutating func passToApplication(_ index: Int) {
        let connection = connections[index]
        guard let (bytes, descriptors) = receive(connection.controller) else {
            // Now nobody uses its memory any more.
            close(connection.controller)
            if !connection.hasEnded { close(connection.application) }
            connections.remove(at: index)
            return
        }
        defer { descriptors.forEach { close($0) } }
        guard !connection.hasEnded else { return }
        // Only the welcome has any.
        let more = descriptors.isEmpty ? [] : [region.file.raw]
        try? SequencedPacketSocket.send(bytes, descriptors: descriptors + more, on: connection.application)
    }

    private mutating func passToController(_ index: Int) {
        let connection = connections[index]
        guard let (bytes, descriptors) = receive(connection.application) else {
            close(connection.application)
            connections[index].hasEnded = true
            shutdown(connection.controller, CInt(SHUT_WR))
            return
        }
        descriptors.forEach { close($0) }
        guard let header = try? Packet.header(of: bytes) else { return }
        if let request: AllocateMemory = try? Packet.decode(from: bytes) {
            let offset = allocate(Int(request.byteCount), for: index)
            answer(
                offset.map { MemoryAllocated(offset: $0) }
                    ?? Failed(errno: ENOSPC, reason: "the region has no \(request.byteCount) bytes left"), header, index
            )
        } else if let request: FreeMemory = try? Packet.decode(from: bytes) {
            connections[index].ranges[request.offset] = nil
            answer(Done(), header, index)
        } else {
            _ = SequencedPacketSocket.send(bytes, on: connection.controller)
        }
    }

    private func answer(_ message: any WireMessage, _ header: Packet.Header, _ index: Int) {
        let bytes = Packet.encode(message, sequence: header.sequence)
        _ = bytes.withUnsafeBytes { SequencedPacketSocket.send($0, on: connections[index].application) }
    }

    /// The first gap that is long enough; the first page is never used.
    private mutating func allocate(_ byteCount: Int, for index: Int) -> UInt64? {
        let length = UInt64((byteCount + 4095) & ~4095)
        let taken = connections.flatMap(\.ranges).sorted { $0.key < $1.key }
        var place: UInt64 = 4096
        for range in taken {
            if range.key - place >= length { break }
            place = range.key + range.value
        }
        guard place + length <= UInt64(region.byteCount) else { return nil }
        connections[index].ranges[place] = length
        return place
    }
}
