internal import LinuxSystem
internal import SystemPackage

/// Another operating system, such as a guest, whose processes use the controller: they share one file of memory with it,
/// and reach it by ``DMAController/connect(_:domain:process:)``.
public struct OSDomain: Sendable, Equatable {
    /// Its name in reports, 1 to 32 letters, digits, `-` and `_`. The guest does not choose it.
    public var name: String
    /// The path of the memory that it shares with the controller: a regular file of whole pages, 1 MiB or more.
    public var memory: String

    /// Makes a domain; the start of the controller checks the values.
    public init(name: String, memory: String) {
        self.name = name
        self.memory = memory
    }

    /// Whether a name has only characters that are allowed.
    public static func isValid(name: String) -> Bool {
        (1...32).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
    }
}

/// A process of another operating system, as its broker describes it. The controller believes it within that system only.
public struct GuestProcess: Sendable, Hashable {
    /// Its process ID there: for display.
    public var pid: Int32
    /// Its user there: for display.
    public var uid: UInt32
    /// The session of the broker: processes of different sessions differ.
    public var session: UInt64
    /// What no other process of the session has.
    public var identity: UInt64

    /// Values are not checked.
    public init(pid: Int32, uid: UInt32, session: UInt64, identity: UInt64) {
        self.pid = pid
        self.uid = uid
        self.session = session
        self.identity = identity
    }
}

/// The memory of the domains. For the control thread, after its creation.
struct OSDomainTable: Sendable {
    let arrivals: GuestArrivals
    private let paths: [String: String]
    private var regions: [String: SharedRegion] = [:]

    init(_ domains: [OSDomain]) throws(ControllerError) {
        do throws(Errno) {
            arrivals = try GuestArrivals(domains.map(\.name))
        } catch {
            throw ControllerError("cannot start the controller: \(error)")
        }
        paths = Dictionary(domains.map { ($0.name, $0.memory) }) { one, _ in one }
        guard paths.count == domains.count else {
            throw ControllerError("two operating systems have the same name: each needs its own")
        }
        for domain in domains {
            guard OSDomain.isValid(name: domain.name) else {
                throw ControllerError(
                    "\(domain.name) is no name of an operating system: use 1 to 32 letters, digits, - and _")
            }
            let region = try open(domain)
            if let other = regions.first(where: { $0.value.isSameFile(as: region) }) {
                throw ControllerError(
                    "\(domain.memory) is the memory of \(other.key) and of \(domain.name): each needs a file of its own"
                )
            }
            regions[domain.name] = region
        }
    }

    private func open(_ domain: OSDomain) throws(ControllerError) -> SharedRegion {
        do throws(Errno) {
            return try SharedRegion(path: domain.memory, lossEvent: arrivals.event)
        } catch {
            let reason =
                switch error {
                case .invalidArgument: "it is no regular file"
                case .noSuchAddressOrDevice: "its length must be 1 MiB or more, and whole pages"
                case .noSpace: "this process has the memory of too many operating systems"
                default: "\(error)"
                }
            throw ControllerError("the memory of \(domain.name), \(domain.memory), cannot be used: \(reason)")
        }
    }

    /// The region for a new connection of a domain. When nobody uses the region, and it is lost or its path has another file
    /// now, the file is mapped again: the operating system may have been started anew.
    ///
    /// - Parameter isUsed: whether another connection has it.
    mutating func region(of name: String, isUsed: Bool) throws(ControllerError) -> SharedRegion? {
        guard let path = paths[name], let region = regions[name] else { return nil }
        if !isUsed, region.isLost || !region.isFile(at: path) {
            let new = try open(OSDomain(name: name, memory: path))
            if let other = regions.first(where: { $0.key != name && $0.value.isSameFile(as: new) }) {
                throw ControllerError("\(path) is the memory of \(other.key) too")
            }
            regions[name] = new
            return new
        }
        guard !region.isLost else {
            throw ControllerError("the memory of \(name) has become shorter; its other connections are ending")
        }
        return region
    }

    /// The names of those that have any.
    var lost: [String] { regions.filter { $0.value.isLost }.map(\.key) }
}

/// Connections of other operating systems that the control thread has not taken yet.
final class GuestArrivals: Sendable {
    /// One connection. Its socket is closed by whoever takes it.
    struct Arrival {
        let socket: CInt
        let domain: String
        let process: GuestProcess
    }

    private struct State {
        var waiting: [Arrival] = []
        var isClosed = false
    }

    /// Also signaled when memory is lost.
    let event: EventDescriptor
    private let names: Set<String>
    private let state = Locked(State())

    init(_ names: [String]) throws(Errno) {
        event = try EventDescriptor()
        self.names = Set(names)
    }

    deinit {
        for arrival in close() { _ = OwnedDescriptor(adopting: arrival.socket) }
    }

    func knows(_ domain: String) -> Bool { names.contains(domain) }

    /// Takes the socket over; returns false when no more are taken.
    func add(_ socket: consuming OwnedDescriptor, domain: String, process: GuestProcess) -> Bool {
        let raw = socket.release()
        let isTaken = state.withLock { state in
            guard !state.isClosed else { return false }
            state.waiting.append(Arrival(socket: raw, domain: domain, process: process))
            return true
        }
        if isTaken { event.signal() } else { _ = OwnedDescriptor(adopting: raw) }
        return isTaken
    }

    func take() -> [Arrival] {
        state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
    }

    /// Takes the last ones.
    func close() -> [Arrival] {
        state.withLock { state in
            defer { state = State(waiting: [], isClosed: true) }
            return state.waiting
        }
    }
}
