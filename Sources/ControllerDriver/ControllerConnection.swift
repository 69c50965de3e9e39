internal import ControllerProtocol
internal import DMADev
internal import Glibc
internal import LinuxSystem
internal import SystemPackage

/// The connection of one device with its controller: requests, each with its answer, and the news that it has ended.
///
/// A thread waits for what comes. Requests come one at a time, from any thread.
final class ControllerConnection: Sendable {
    /// What the controller offered.
    let welcome: Welcome
    /// What wakes its engine.
    let bell: EventDescriptor
    let liveness: Liveness

    private let mailbox: Mailbox
    private let thread: SystemThread
    private let order = Locked<UInt32>(1)
    /// A child that was forked has neither the thread nor a say.
    private let pid = getpid()

    /// Connects, and greets.
    ///
    /// - Parameter users: whose controllers are trusted: this one is given memory.
    init(path: String, users: Set<UInt32>, news: GroupNews) throws(DMAError) {
        let socket = try Self.connect(path, users)
        guard let liveness = Liveness() else {
            throw DMAError(.exhausted, .noMemory, "there is no memory for a connection with \(path)")
        }
        self.liveness = liveness
        let mailbox = Mailbox(socket, liveness, news, news.begin())
        self.mailbox = mailbox
        let (answer, descriptors) = try mailbox.ask(Hello(), sequence: 1, descriptors: [], path)
        do throws(WireError) {
            welcome = try Packet.decode(from: answer)
            var received = ReceivedDescriptors(adopting: descriptors)
            guard let event = received.takeFirst(), welcome.version == Hello.version else {
                throw WireError("a welcome without a bell, or of another version")
            }
            bell = EventDescriptor(adopting: event)
        } catch {
            throw DMAError(.system, .protocolError, "\(path) is no controller of this version: \(error)")
        }
        do throws(Errno) {
            thread = try SystemThread.start(name: "dma-control") { mailbox.run() }
        } catch {
            throw DMAError(.system, error, "no thread for a connection with \(path)")
        }
    }

    deinit {
        guard getpid() == pid else { return }
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
                    "\(path) may not be used: it is not open to this user, or its controller runs as a user other than "
                        + users.sorted().map(String.init).joined(separator: ", ")
                case .noSuchFileOrDirectory, .connectionRefused: "no controller is at \(path); start `dmascope serve`"
                default: "no connection with the controller at \(path)"
                }
            throw DMAError(.system, error, reason)
        }
    }

    var isAlive: Bool { liveness.isAlive }

    /// Ends the connection. In a child, which has it from its parent, nothing happens.
    func end() {
        if getpid() == pid { mailbox.end() }
    }

    /// Asks for something and waits for the answer.
    ///
    /// - Throws: what the controller said; `EIO` when it is gone, `ETIMEDOUT` when it does not answer.
    func request<Answer: WireMessage>(
        _ message: some WireMessage, descriptors: [CInt] = [], for answer: Answer.Type = Answer.self
    ) throws(DMAError) -> Answered<Answer> {
        let (bytes, raw) = try order.withLock { sequence throws(DMAError) in
            guard isAlive else { throw .controllerGone }
            sequence = sequence == .max ? 2 : sequence + 1
            return try mailbox.exchange(message, sequence: sequence, descriptors: descriptors)
        }
        let received = ReceivedDescriptors(adopting: raw)
        do throws(WireError) {
            return Answered(descriptors: received, message: try Packet.decode(from: bytes))
        } catch {
            mailbox.shutDown()
            throw DMAError(.system, .protocolError, "the controller's answer is none: \(error)")
        }
    }
}

/// An answer, and the descriptors that it brought.
struct Answered<Message: WireMessage>: ~Copyable {
    var descriptors: ReceivedDescriptors
    let message: Message
}

extension DMAError {
    static let controllerGone = DMAError(
        .system, .ioError,
        "the controller is gone, or this process was forked from the one that connected: stop, configure and start the "
            + "device to connect anew")
}

/// What a connection's two threads have in common.
private final class Mailbox: Sendable {
    private struct State {
        /// The answer that has come, with its descriptors.
        var answer: (bytes: [UInt8], descriptors: [CInt])?
        /// The request that is waiting.
        var awaited: UInt32 = 0
        var isEnded = false
        /// This side wants no more.
        var isGivenUp = false
    }

    private let socket: OwnedDescriptor
    private let liveness: Liveness
    private let news: GroupNews
    private let number: UInt64
    private let state = Locked(State())
    private let changes = ChangeCount()
    /// An answer that does not come within this time never comes: the connection is given up.
    private static let patience: UInt64 = 30_000_000_000

    /// - Parameter number: of the connection.
    init(_ socket: consuming OwnedDescriptor, _ liveness: Liveness, _ news: GroupNews, _ number: UInt64) {
        self.news = news
        self.number = number
        self.socket = socket
        self.liveness = liveness
    }

    func shutDown() {
        liveness.end()
        Glibc.shutdown(socket.raw, CInt(SHUT_RDWR))
    }

    /// The device wants no more: what ends by that is not lost.
    func end() {
        state.withLock { $0.isGivenUp = true }
        shutDown()
    }

    /// The thread: waits for messages until the connection ends.
    func run() {
        while let (bytes, descriptors) = receive() {
            guard let header = try? Packet.header(of: bytes) else { break }
            if header.kind == .groupChanged, let notice = try? Packet.decode(GroupChanged.self, from: bytes) {
                news.receive(notice)
                continue
            }
            let isAwaited = state.withLock { state in
                guard state.awaited == header.sequence, header.sequence != 0 else { return false }
                state.awaited = 0
                state.answer = (bytes, descriptors)
                return true
            }
            if !isAwaited { for descriptor in descriptors { close(descriptor) } }
            changes.note()
        }
        shutDown()
        let isGivenUp = state.withLock { state in
            state.isEnded = true
            return state.isGivenUp
        }
        changes.note()
        if !isGivenUp { news.lose(number) }
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

    /// One request and its answer before the thread runs.
    func ask(
        _ message: some WireMessage, sequence: UInt32, descriptors: [CInt], _ path: String
    ) throws(DMAError) -> (bytes: [UInt8], descriptors: [CInt]) {
        try send(message, sequence, descriptors)
        var watched = pollfd(fd: socket.raw, events: Int16(POLLIN), revents: 0)
        guard poll(&watched, 1, 10_000) == 1, let answer = receive() else {
            throw DMAError(.system, .ioError, "what listens at \(path) does not answer as a controller does")
        }
        return try judged(answer)
    }

    /// One request and its answer.
    func exchange(
        _ message: some WireMessage, sequence: UInt32, descriptors: [CInt]
    ) throws(DMAError) -> (bytes: [UInt8], descriptors: [CInt]) {
        state.withLock { $0.awaited = sequence }
        try send(message, sequence, descriptors)
        let deadline = MonotonicTime(nanoseconds: MonotonicTime.now.nanoseconds + Self.patience)
        while true {
            let seen = changes.value
            let (answer, isEnded) = state.withLock { state in
                defer { state.answer = nil }
                return (state.answer, state.isEnded)
            }
            if let answer { return try judged(answer) }
            if isEnded { throw .controllerGone }
            let left = deadline.nanoseconds(since: .now)
            guard left > 0 else {
                shutDown()
                throw DMAError(.system, .timedOut, "the controller has not answered for half a minute; it is given up")
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
            throw .controllerGone
        }
    }

    /// A refusal is thrown.
    private func judged(
        _ answer: (bytes: [UInt8], descriptors: [CInt])
    ) throws(DMAError) -> (bytes: [UInt8], descriptors: [CInt]) {
        guard let failed = try? Packet.decode(Failed.self, from: answer.bytes) else { return answer }
        for descriptor in answer.descriptors { close(descriptor) }
        throw DMAError(.refused(failed.errno), Errno(rawValue: failed.errno), failed.reason)
    }
}

extension DMAError.Code {
    /// The code for an errno that a controller gave.
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
