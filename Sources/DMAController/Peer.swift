internal import DMADev
internal import DMAEngine
internal import Glibc
internal import GroupTable
internal import LinuxSystem

/// One connection, which is one device of one application: all that it has here. Belongs to the control thread.
final class Peer {
    /// One stretch of registered memory.
    struct Window {
        let mapping: SharedMapping
        let amount: QuotaLedger.Amount
    }

    /// One ring that the engine serves.
    struct Ring {
        let ring: EngineRing
        /// Where the engine counts, and the application claims.
        let memory: RingMemory
        let claims = Claims.Clamp()
        let amount: QuotaLedger.Amount
        /// Whose numbers are not given to others as long as the ring names them.
        let handlers: [UInt16]
    }

    /// Rings that have left the engine and whose running operations are brought to their end.
    struct Stopping {
        /// Of the request that is answered then.
        let sequence: UInt32
        var rings: [EngineRing]
    }

    /// What comes into being with the greeting.
    struct Device {
        /// What the application wakes the engine with. It may do to it what it likes: it is never read.
        let bell: Bell
        /// Its memory, by IOVA.
        let map: IOVAMap
        /// What it reaches of others.
        let domains: DomainMap
    }

    /// A class, so that a copyable struct can have it.
    final class Bell {
        let event: EventDescriptor

        init(_ event: consuming EventDescriptor) {
            self.event = event
        }
    }

    /// Tells it from every other one there was.
    let number: UInt64
    /// Messages that nobody has read go with it, and what they brought.
    let socket: StrangersSocket
    /// Readable when the process that connected has ended, whoever has the socket then.
    let process: OwnedDescriptor
    let credentials: PeerCredentials
    /// What the access groups know it as.
    let client: AccessGroupClient
    var device: Device?
    var rings: [UInt16: Ring] = [:]
    var windows: [UInt64: Window] = [:]
    var stopping: Stopping?
    /// Of the rings that have faults, from the first one to the stop.
    var halt: DeviceHalt?
    /// Memory that members of a group reach, by IOVA.
    var openWindows: [UInt64: Window] = [:]
    /// It has been in a group: what it reaches of others may change.
    var hasEnteredGroups = false
    /// Handlers that it could name at some time.
    var knownHandlers: Set<UInt16> = []
    /// Joins with a wrong token or into no group, and requests that were refused in all.
    var deniedJoins: UInt64 = 0, refusedRequests: UInt64 = 0
    /// What its process calls the device; nobody has checked it.
    var claimedNumber: Int16 = -1
    /// What rings that are gone have moved, and what was claimed of them.
    var work = Work(), claims = Claims()
    /// Messages that its socket had no room for, the oldest first; each is charged as an event. While there are some,
    /// its requests are not read.
    var unsent: [[UInt8]] = []
    /// It waits for the answer to a join that is held back.
    var isWaitingForJoin = false

    init(
        number: UInt64, socket: StrangersSocket, process: consuming OwnedDescriptor,
        credentials: PeerCredentials, processNumber: UInt64
    ) {
        self.number = number
        self.socket = socket
        self.process = process
        self.credentials = credentials
        client = AccessGroupClient(
            process: processNumber, device: Int16(truncatingIfNeeded: number & 0x7FFF), processID: credentials.pid,
            userID: credentials.uid)
    }

    /// What its user is charged for memory.
    var chargedBytes: UInt64 {
        let amounts = windows.values.map(\.amount) + openWindows.values.map(\.amount) + rings.values.map(\.amount)
        return amounts.reduce(0) { $0 &+ $1.bytes }
    }

    /// The number with which its socket is watched, and its process.
    var socketToken: UInt64 { number << 1 }
    var processToken: UInt64 { number << 1 | 1 }

    /// Whether the process has ended.
    var hasEnded: Bool {
        var watched = pollfd(fd: process.raw, events: Int16(POLLIN), revents: 0)
        return poll(&watched, 1, 0) == 1
    }
}
