import ControllerProtocol
import DMAController
import Glibc
import LinuxSystem
import SystemPackage

extension FuzzKind {
    /// The control socket: two applications that say anything to a controller. Either can be of another operating system.
    ///
    /// Each input has a controller of its own, so that the same input always meets the same state.
    static let control = FuzzKind(name: "control") { bytes in
        var input = InputReader(bytes)
        let conversation = ControlConversation()
        for _ in 0..<32 where !input.rest.isEmpty { conversation.say(&input) }
        conversation.end()
    }
}

@MainActor
private final class ControlConversation {
    /// A file that a controller takes as memory, and one that it does not.
    private static let memory = prepared {
        let file = try MemoryFile.make(name: "fuzz", byteCount: 4 * 4096)
        try MemoryFile.add(.shrink, to: file.raw)
        return Descriptor(file)
    }
    /// What another operating system shares with the controller.
    private static let region = prepared { Descriptor(try MemoryFile.make(name: "region", byteCount: 1 << 20)) }
    private static let unsealed = prepared { Descriptor(try MemoryFile.make(name: "unsealed", byteCount: 4096)) }

    /// In a class, so that a static property can hold it.
    private final class Descriptor {
        let owned: OwnedDescriptor

        init(_ owned: consuming OwnedDescriptor) { self.owned = owned }
    }

    /// Before the controller was started.
    private let threadCount = ControlConversation.runningThreadCount
    private let controller: DMAController
    private var sockets: [Descriptor]
    /// Of each application, the memory of its last ring that the engine writes.
    private var engineFiles: [Descriptor?] = [nil, nil]
    private var sequence: UInt32 = 0

    init() {
        var configuration = ControllerConfiguration()
        configuration.minimumDescriptorCount = 1
        configuration.maximumDescriptorCount = 64
        configuration.maximumVirtualChannelCount = 4
        configuration.accessGroupCount = 4
        configuration.quota.bytes = 1 << 20
        configuration.osDomains = [OSDomain(name: "guest", memory: "/proc/self/fd/\(Self.region.owned.raw)")]
        let controller = prepared {
            try DMAController.start(path: "\(FuzzKind.directory)/c", configuration: configuration)
        }
        self.controller = controller
        sockets = (0..<2).map { _ in Self.connected(to: controller.path) }
        for place in 0..<2 { send(Packet.encode(Hello(), sequence: 1), [], to: place) }
    }

    private static var runningThreadCount: Int {
        var status = stat()
        require(stat("/proc/self/task", &status) == 0, "/proc is not there")
        // Two for the directory, and one for each thread.
        return Int(status.st_nlink)
    }

    private static func connected(to path: String) -> Descriptor {
        prepared {
            let socket = try SequencedPacketSocket.open(nonblocking: true)
            try SequencedPacketSocket.connect(socket, to: path)
            return Descriptor(socket)
        }
    }

    private static func guest(of controller: DMAController) -> Descriptor {
        prepared {
            let pair = try SequencedPacketSocket.pair(nonblocking: true)
            try controller.connect(
                OwnedDescriptor(adopting: dup(pair.second.raw)), domain: "guest",
                process: GuestProcess(pid: 1, uid: 0, session: 1, identity: 1))
            return Descriptor(OwnedDescriptor(adopting: dup(pair.first.raw)))
        }
    }

    /// One message: who and how (a byte), its kind (a byte), its length (two bytes), and its members.
    func say(_ input: inout InputReader) {
        let how = input.byte()
        let kind = MessageKind.allCases[Int(input.byte()) % MessageKind.allCases.count]
        let members = input.take(Int(input.number(UInt16.self)) % 2100)
        let place = Int(how & 1)
        if how & 0x20 != 0 {
            // A new connection, which has not greeted.
            sockets[place] =
                how & 0x80 == 0 ? Self.connected(to: controller.path) : Self.guest(of: controller)
        }
        sequence += 1
        var packet = Array(members)
        if how & 0x10 == 0 {
            let number = kind.rawValue
            packet =
                [UInt8(truncatingIfNeeded: number), 0, 0, 0, UInt8(truncatingIfNeeded: sequence), 1, 0, 0] + packet
        }
        let needsMemory = kind == .registerMemory || kind == .openWindow
        let descriptors: [CInt] =
            switch how >> 1 & 7 {
            case 1: []
            case 2: [Self.memory.owned.raw, Self.memory.owned.raw]
            case 3: [Self.unsealed.owned.raw]
            case 4: [sockets[1 - place].owned.raw]
            default: needsMemory ? [Self.memory.owned.raw] : []
            }
        if kind == .startRing, how & 0x40 == 0 { touchRing(of: place) }
        send(packet, descriptors, to: place)
    }

    /// Reads all pages of the last file that the engine writes, as a ring's start requires.
    private func touchRing(of place: Int) {
        guard let file = engineFiles[place], let size = try? MemoryFile.byteCount(of: file.owned.raw),
            let mapping = try? SharedMapping(of: file.owned.raw, byteCount: size, isWritable: false)
        else { return }
        try? mapping.populate(0..<size)
    }

    /// Sends a packet and waits for an answer; not long, because there may be none.
    private func send(_ packet: [UInt8], _ descriptors: [CInt], to place: Int) {
        let socket = sockets[place].owned.raw
        let isSent = packet.withUnsafeBytes {
            (try? SequencedPacketSocket.send($0, descriptors: descriptors, on: socket)) != nil
        }
        if isSent { _ = receive(at: place, milliseconds: 20) }
    }

    /// Takes all messages that are there. Returns whether the connection has not ended.
    private func receive(at place: Int, milliseconds: CInt) -> Bool {
        let socket = sockets[place].owned.raw
        var entry = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        guard poll(&entry, 1, milliseconds) == 1 else { return true }
        return withUnsafeTemporaryAllocation(byteCount: Packet.maximumLength, alignment: 16) { buffer in
            while true {
                do throws(Errno) {
                    // Its other descriptors are closed with it.
                    var message = try SequencedPacketSocket.receive(into: buffer, descriptorLimit: 4, on: socket)
                    guard message.byteCount > 0 else { return false }
                    let bytes = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<message.byteCount])
                    require(MessageCode.check(bytes), "the controller sent no message")
                    if (try? Packet.header(of: bytes))?.kind == .ringAttached, message.descriptors.takeFirst() != nil,
                        let file = message.descriptors.takeFirst()
                    {
                        engineFiles[place] = Descriptor(file)
                    }
                } catch {
                    return error == .resourceTemporarilyUnavailable
                }
            }
        }
    }

    /// The applications end: nothing of them stays.
    func end() {
        for (place, socket) in sockets.enumerated() {
            shutdown(socket.owned.raw, CInt(SHUT_WR))
            while receive(at: place, milliseconds: 5000) {}
        }
        controller.stop()
        let left = controller.statistics
        let counts = [left.connections, left.rings, left.windows, left.groups, left.members, Int(left.memoryBytes)]
        require(counts.allSatisfy { $0 == 0 }, "something is left at the end: \(left)")
        // Threads that close descriptors are not waited for by the controller.
        let deadline = MonotonicTime.now.advanced(by: .seconds(5))
        while Self.runningThreadCount > threadCount {
            require(deadline > .now, "threads are left at the end")
            sched_yield()
        }
    }
}
