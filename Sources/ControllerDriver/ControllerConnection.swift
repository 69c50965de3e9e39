internal import ControllerProtocol
internal import DMADev
internal import Glibc
internal import LinuxSystem
internal import SystemPackage

/// The connection of one device to its controller: requests with their answers, group events, and detection of its end.
///
/// A thread receives all messages. Any thread may send a request; requests are sent one at a time.
final class ControllerConnection: Sendable {
    /// The properties and limits that the controller offered.
    let welcome: Welcome
    /// Wakes the controller's engine.
    let bell: EventDescriptor
    /// Contains all memory of the connection; `nil`: memory is passed by descriptors.
    let region: RegionMemory.Region?
    let liveness: Liveness

    private let mailbox: Mailbox
    private let thread: SystemThread
    private let order = Locked<UInt32>(1)

    /// Connects and exchanges hello messages.
    ///
    /// - Parameter users: the users whose controllers are trusted; the controller receives access to memory.
    init(path: String, users: Set<UInt32>, groupCache: AccessGroupCache) throws(DMAError) {
        let socket = try Self.connect(path, users)
        guard let liveness = Liveness() else {
            throw DMAError(.exhausted, .noMemory, "not enough memory for a connection to \(path)")
        }
        self.liveness = liveness
        let mailbox = Mailbox(socket, liveness, groupCache, groupCache.begin())
        self.mailbox = mailbox
        let (answer, descriptors) = try mailbox.requestBeforeStart(Hello(), sequence: 1, descriptors: [], path)
        var received = ReceivedDescriptors(adopting: descriptors)
        let hello = Hello()
        if let version = Welcome.version(of: answer), !(hello.lowestVersion...hello.highestVersion).contains(version) {
            throw DMAError(
                .system, .protocolNotSupported,
                "\(path): "
                    + Hello.mismatch(application: hello.lowestVersion...hello.highestVersion, controller: version))
        }
        do throws(WireError) {
            welcome = try Packet.decode(from: answer)
            guard let event = received.takeFirst() else {
                throw WireError("the welcome has no doorbell event descriptor")
            }
            bell = EventDescriptor(adopting: event)
            if welcome.regionByteCount > 0 {
                guard welcome.regionByteCount <= UInt64(Int.max), let file = received.takeFirst() else {
                    throw WireError("the welcome has no descriptor of the region")
                }
                region = RegionMemory.Region(file, byteCount: welcome.regionByteCount)
            } else {
                region = nil
            }
        } catch {
            throw DMAError(.system, .protocolError, "\(path) is not a controller of this version: \(error)")
        }
        do throws(Errno) {
            thread = try SystemThread.start(name: "dma-control") { [region] in
                mailbox.run()
                region?.end()
            }
        } catch {
            throw DMAError(.system, error, "cannot start a thread for the connection to \(path)")
        }
    }

    deinit {
        // A forked child has no copy of the thread and must not end the parent's connection.
        guard !liveness.isInherited else { return }
        mailbox.end()
        thread.join()
    }

    private static func connect(_ path: String, _ users: Set<UInt32>) throws(DMAError) -> OwnedDescriptor {
        do throws(Errno) {
            let socket = try SequencedPacketSocket.open()
            try SequencedPacketSocket.setSendTimeout(socket, .seconds(5))
            try SequencedPacketSocket.connect(socket, to: path)
            let peer = try PeerCredentials(of: socket)
            guard users.contains(peer.uid) else {
                throw Errno.permissionDenied
            }
            return socket
        } catch {
            let reason =
                switch error {
                case .permissionDenied:
                    "\(path): this user has no access, or its controller runs as a user other than "
                        + users.sorted().map(String.init).joined(separator: ", ")
                case .noSuchFileOrDirectory, .connectionRefused: "no controller is at \(path); start `dmascope serve`"
                default: "cannot connect to the controller at \(path)"
                }
            throw DMAError(.system, error, reason)
        }
    }

    var isAlive: Bool { liveness.isAlive }

    /// Whether the controller announces completions.
    var announcesCompletions: Bool { welcome.version >= 5 }

    /// Requests that the controller announces a ring; as `ApplicationRing.Announcement`.
    func watch(
        _ vchan: UInt16, until target: UInt64, _ wake: @escaping @Sendable () -> Void
    ) throws(DMAError) -> Bool {
        guard isAlive else { return false }
        // Known before the notice can come.
        mailbox.setWake(wake, of: vchan)
        do throws(DMAError) {
            _ = try request(WatchRing(vchan: vchan, target: target), for: Done.self)
            return true
        } catch {
            guard isAlive else { return false }
            throw error
        }
    }

    /// Ends the connection. Does nothing in a forked child.
    func end() {
        if !liveness.isInherited { mailbox.end() }
    }

    /// Sends a request and waits for the answer.
    ///
    /// - Throws: the error that the controller returned; `EIO` when the connection has ended, `ETIMEDOUT` after 30 s
    ///   without an answer.
    func request<Answer: WireMessage>(
        _ message: some WireMessage, descriptors: [CInt] = [], for answer: Answer.Type = Answer.self
    ) throws(DMAError) -> Answered<Answer> {
        let (bytes, raw) = try order.withLock { sequence throws(DMAError) in
            guard isAlive else { throw .controllerLost }
            sequence = sequence == .max ? 2 : sequence + 1
            return try mailbox.exchange(message, sequence: sequence, descriptors: descriptors)
        }
        let received = ReceivedDescriptors(adopting: raw)
        do throws(WireError) {
            return Answered(descriptors: received, message: try Packet.decode(from: bytes))
        } catch {
            mailbox.shutDown()
            throw DMAError(.system, .protocolError, "the controller's answer is invalid: \(error)")
        }
    }
}

/// An answer with the file descriptors that it carried.
struct Answered<Message: WireMessage>: ~Copyable {
    var descriptors: ReceivedDescriptors
    let message: Message
}

extension DMAError {
    static let controllerLost = DMAError(
        .system, .ioError,
        "the controller's connection has ended, or belongs to the parent process: stop, configure and start the "
            + "device to connect again")
}

/// The state that the requesting thread and the receiving thread share.
private final class Mailbox: Sendable {
    private struct State {
        /// The answer that was received, with its descriptors.
        var answer: (bytes: [UInt8], descriptors: [CInt])?
        /// Sequence number of the pending request; 0: none.
        var awaited: UInt32 = 0
        var isEnded = false
        /// For the notices of the rings that were watched last, and the end of the connection.
        var wakes: [UInt16: @Sendable () -> Void] = [:]
        /// This side ended the connection.
        var isGivenUp = false
    }

    private let socket: OwnedDescriptor
    private let liveness: Liveness
    private let groupCache: AccessGroupCache
    private let number: UInt64
    private let state = Locked(State())
    private let changes = ChangeCount()
    /// Nanoseconds. Without an answer in this time, the connection is ended.
    private static let timeout: UInt64 = 30_000_000_000

    /// - Parameter number: the connection's number in the cache.
    init(_ socket: consuming OwnedDescriptor, _ liveness: Liveness, _ groupCache: AccessGroupCache, _ number: UInt64) {
        self.groupCache = groupCache
        self.number = number
        self.socket = socket
        self.liveness = liveness
    }

    func shutDown() {
        liveness.end()
        Glibc.shutdown(socket.raw, CInt(SHUT_RDWR))
    }

    /// Ends the connection on the device's request; the cache is not notified of a loss.
    func end() {
        state.withLock { $0.isGivenUp = true }
        shutDown()
    }

    /// Sets what is called at the notices of a ring, and at the end of the connection.
    func setWake(_ wake: @escaping @Sendable () -> Void, of vchan: UInt16) {
        state.withLock { $0.wakes[vchan] = wake }
    }

    /// The receiving thread: handles messages until the connection ends.
    func run() {
        // The member list that the next answer completes.
        var listing: (sequence: UInt32, members: AccessGroupInfo)?
        while let (bytes, descriptors) = receive() {
            guard let header = try? Packet.header(of: bytes) else { break }
            if header.kind == .groupChanged, let notice = try? Packet.decode(GroupChanged.self, from: bytes) {
                groupCache.receive(notice, on: number)
                continue
            }
            if header.kind == .ringPublished, let notice = try? Packet.decode(RingPublished.self, from: bytes) {
                state.withLock { $0.wakes[notice.vchan] }?()
                continue
            }
            if header.kind == .groupMembers, let part = try? Packet.decode(GroupMembers.self, from: bytes) {
                if listing?.sequence != header.sequence {
                    listing = (header.sequence, AccessGroupInfo(listedIn: part))
                }
                listing?.members.add(part)
                continue
            }
            // Before the answer is passed on: the next message may be a change of this group.
            if let complete = listing, complete.sequence == header.sequence {
                listing = nil
                if header.kind == .groupEntered, let entry = try? Packet.decode(GroupEntered.self, from: bytes) {
                    groupCache.entered(entry, complete.members, on: number)
                } else {
                    groupCache.listed(complete.members, on: number)
                }
            }
            let isAwaited = state.withLock { state in
                guard state.awaited == header.sequence, header.sequence != 0 else { return false }
                state.awaited = 0
                state.answer = (bytes, descriptors)
                return true
            }
            if !isAwaited { for descriptor in descriptors { close(descriptor) } }
            changes.increment()
        }
        shutDown()
        let (isGivenUp, wakes) = state.withLock { state in
            state.isEnded = true
            return (state.isGivenUp, state.wakes.values.map { $0 })
        }
        changes.increment()
        for wake in wakes { wake() }
        if !isGivenUp { groupCache.connectionLost(number) }
    }

    private func receive() -> (bytes: [UInt8], descriptors: [CInt])? {
        withUnsafeTemporaryAllocation(byteCount: Packet.maximumLength, alignment: 16) { buffer in
            guard
                var message = try? SequencedPacketSocket.receive(
                    into: buffer, descriptorLimit: Packet.maximumDescriptorCount, on: socket.raw)
            else { return nil }
            let (length, isCut) = (message.byteCount, message.lostDescriptors)
            guard length > 0, length <= buffer.count, !isCut else { return nil }
            return (Array(buffer.prefix(length)), message.descriptors.release())
        }
    }

    private func receiveInTime() -> (bytes: [UInt8], descriptors: [CInt])? {
        var watched = pollfd(fd: socket.raw, events: Int16(POLLIN), revents: 0)
        return poll(&watched, 1, 10_000) == 1 ? receive() : nil
    }

    /// Sends the first request and receives its answer, before the receiving thread runs.
    func requestBeforeStart(
        _ message: some WireMessage, sequence: UInt32, descriptors: [CInt], _ path: String
    ) throws(DMAError) -> (bytes: [UInt8], descriptors: [CInt]) {
        // A controller that refuses a connection sends its answer and closes its end, also before it has received the
        // request: then the request cannot be sent, or an error comes first, and the answer is there all the same.
        try? send(message, sequence, descriptors)
        guard let answer = receiveInTime() ?? receiveInTime() else {
            throw DMAError(.system, .ioError, "the process that listens at \(path) does not answer like a controller")
        }
        do throws(DMAError) {
            return try checked(answer)
        } catch {
            guard error.errno == .protocolNotSupported else { throw error }
            // Controllers of version 2 do not say what to do.
            throw DMAError(
                error.code, error.errno,
                "\(path): \(error.message) (this application has version \(Hello.version); controllers and applications "
                    + "must be of releases with the same version)")
        }
    }

    /// Sends a request and waits for its answer.
    func exchange(
        _ message: some WireMessage, sequence: UInt32, descriptors: [CInt]
    ) throws(DMAError) -> (bytes: [UInt8], descriptors: [CInt]) {
        state.withLock { $0.awaited = sequence }
        try send(message, sequence, descriptors)
        let deadline = MonotonicTime(nanoseconds: MonotonicTime.now.nanoseconds + Self.timeout)
        while true {
            let seen = changes.value
            let (answer, isEnded) = state.withLock { state in
                defer { state.answer = nil }
                return (state.answer, state.isEnded)
            }
            if let answer { return try checked(answer) }
            if isEnded { throw .controllerLost }
            let left = deadline.nanoseconds(since: .now)
            guard left > 0 else {
                shutDown()
                throw DMAError(.system, .timedOut, "the controller did not answer within 30 s; it is disconnected")
            }
            changes.wait(while: seen, atMost: left)
        }
    }

    private func send(_ message: some WireMessage, _ sequence: UInt32, _ descriptors: [CInt]) throws(DMAError) {
        let error = Packet.withBytes(of: message, sequence: sequence) { bytes -> Errno? in
            do throws(Errno) {
                try SequencedPacketSocket.send(bytes, descriptors: descriptors, on: socket.raw)
                return nil
            } catch {
                return error
            }
        }
        if error != nil {
            shutDown()
            throw .controllerLost
        }
    }

    /// Throws the error if the answer is a `Failed` message.
    private func checked(
        _ answer: (bytes: [UInt8], descriptors: [CInt])
    ) throws(DMAError) -> (bytes: [UInt8], descriptors: [CInt]) {
        guard let failed = try? Packet.decode(Failed.self, from: answer.bytes) else { return answer }
        for descriptor in answer.descriptors { close(descriptor) }
        throw DMAError(.refused(failed.errno), Errno(rawValue: failed.errno), failed.reason)
    }
}

extension DMAError.Code {
    /// The code for an errno that a controller returned.
    fileprivate static func refused(_ errno: Int32) -> DMAError.Code {
        switch errno {
        case EINVAL: .invalidArgument
        case EEXIST: .exists
        case ENOSPC, ENOMEM, EDQUOT, EMFILE, ENFILE: .exhausted
        case EOPNOTSUPP: .notSupported
        case EACCES: .accessDenied
        case EPERM: .notPermitted
        case EBUSY: .busy
        case ENOENT: .notFound
        default: .system
        }
    }
}
