internal import ControllerProtocol
internal import DMADev
internal import DMAEngine
internal import GroupTable
internal import LinuxSystem

/// One connection, which is one device of one application, with its resources. For the control thread only.
final class Peer {
    /// One registered memory region.
    struct Window: Charged {
        let region: TenantMemory.Region
        let amount: QuotaLedger.Amount
    }

    /// A file that is mapped whole, from its first window to the end of the connection.
    struct File: Charged {
        let mapping: SharedMapping
        let amount: QuotaLedger.Amount
    }

    /// A ring that is not started: its application has the memory.
    final class NewRing: Charged {
        let memory: RingMemory
        /// Not for a ring in a region.
        let files: RingFiles?
        let configuration: EngineRing.Configuration
        let amount: QuotaLedger.Amount
        /// Not reused for other members while the ring names them.
        let handlers: [UInt16]

        init(
            _ memory: RingMemory, _ files: RingFiles?, _ configuration: EngineRing.Configuration,
            amount: QuotaLedger.Amount, handlers: [UInt16]
        ) {
            self.memory = memory
            self.files = files
            self.configuration = configuration
            self.amount = amount
            self.handlers = handlers
        }
    }

    /// The two files of a ring. A class, so that it can be absent.
    final class RingFiles {
        let memory: SharedRingMemory

        init(_ memory: consuming SharedRingMemory) {
            self.memory = memory
        }
    }

    /// The memory of a ring that has ended. Its application reads the counters in it until it attaches the next one.
    struct EndedRing: Charged {
        let memory: RingMemory
        let amount: QuotaLedger.Amount
    }

    /// One ring that the engine serves.
    struct Ring: Charged {
        let ring: EngineRing
        /// Contains the counters of the engine and those that the application claims.
        let memory: RingMemory
        let claims = Claims.Clamp()
        let amount: QuotaLedger.Amount
        /// Not reused for other members while the ring names them.
        let handlers: [UInt16]
    }

    /// Rings that are detached from the engine and whose running operations are being finished.
    struct Stopping {
        /// The sequence number of the request that is answered then.
        let sequence: UInt32
        /// The channels whose rings are not removed yet.
        var vchans: [UInt16]
    }

    /// A group that the device is in.
    struct Membership {
        let table: DomainMap.Membership
        let domain: DomainID
    }

    /// A join that is delayed because its tenant has sent wrong tokens before.
    struct WaitingJoin {
        /// Its token lies in the memory of the `AccessGroupTable`.
        let request: EnterGroup
        let sequence: UInt32
        let admission: JoinAdmission
    }

    /// Created by the greeting.
    struct Device {
        /// Wakes the engine. The application can write or read it in any way: the controller never reads it.
        let bell: Bell
        /// The device's registered memory, by IOVA.
        let map: IOVAMap
        /// What the device can access of other members.
        let domains: DomainMap
    }

    /// A class, so that it can be absent.
    final class Process {
        /// Readable when the process that connected has ended, even if another process still has the socket.
        let descriptor: OwnedDescriptor

        init(_ descriptor: consuming OwnedDescriptor) {
            self.descriptor = descriptor
        }
    }

    /// A class, so that a copyable struct can contain it.
    final class Bell {
        let event: EventDescriptor

        init(_ event: consuming EventDescriptor) {
            self.event = event
        }
    }

    /// Unique, never reused; from 1.
    let number: UInt64
    /// Its end also discards unread messages and closes their descriptors.
    let socket: UntrustedPeerSocket
    /// `nil`: a process of another operating system, which ends with its socket.
    let process: Process?
    /// As the kernel reports them, or the broker of another operating system.
    let processID: Int32, userID: UInt32
    let tenant: Tenant
    /// The session of the broker that connected it; 0 for a process of this operating system.
    var session: UInt64 = 0
    /// Contains all memory of the connection; `nil`: memory comes by descriptors.
    let region: SharedRegion?
    /// Identifies the peer in the access groups. The device's number in its process is as claimed: not checked.
    var client: AccessGroupClient
    var device: Device?
    var newRings = ChargedTable<UInt16, NewRing>()
    var rings = ChargedTable<UInt16, Ring>()
    /// The rings of a disconnected peer, which the engine has left.
    var leftRings = ChargedTable<UInt16, Ring>()
    var endedRings = ChargedTable<UInt16, EndedRing>()
    /// The channels whose rings have changed since the last publication.
    var changedRings: Set<UInt16> = []
    var windows = ChargedTable<UInt64, Window>()
    var files = ChargedTable<ObjectIdentifier, File>()
    var stopping: Stopping?
    /// The halt state of the rings with faults, from the first such ring to the stop.
    var halt: DeviceHalt?
    /// Memory that other members of a group can access, by IOVA.
    var openWindows = ChargedTable<UInt64, Window>()
    /// The dma-bufs of both kinds of memory, by IOVA.
    var buffers: [UInt64: PublishedState.Buffer] = [:]
    /// It has been in a group or has watched a ring: it may receive events.
    var receivesEvents = false
    var memberships: [AccessGroupID: Membership] = [:]
    /// Joins with a wrong token or to a group that does not exist; all refused requests.
    var deniedJoins: UInt64 = 0, refusedRequests: UInt64 = 0
    /// The controller ends the connection, because of a violation or because it stops itself.
    var isExpelled = false
    /// Work of removed rings, and the counts claimed for them.
    var work = Work(), claims = Claims()
    /// Queued messages because its socket was full, the oldest first; each is charged as an event. While there are
    /// some, its requests are not read.
    var unsent: [[UInt8]] = []
    /// The channels whose rings the engine has announced, and the notices are not sent.
    var announced: Set<UInt16> = []
    /// The work queue has an item for these notices.
    var hasQueuedNotices = false
    /// It has a delayed join, which is not answered yet.
    var waitingJoin: WaitingJoin?
    /// Its request is answered after a quiescent point of the engine; until then no other one is read.
    var isBusy = false
    /// The work queue has an item for it.
    var isQueued = false
    /// Its process has ended.
    var hasExited = false

    init(
        number: UInt64, socket: UntrustedPeerSocket, process: Process?, processID: Int32, userID: UInt32,
        tenant: Tenant, region: SharedRegion?, processNumber: UInt64
    ) {
        self.number = number
        self.socket = socket
        self.process = process
        self.processID = processID
        self.userID = userID
        self.region = region
        self.tenant = tenant
        client = AccessGroupClient(
            process: processNumber, device: number, processID: processID, userID: userID,
            tenant: tenant)
    }

    /// Bytes that its user is charged for memory and rings.
    var chargedBytes: UInt64 {
        [
            windows.byteCount, openWindows.byteCount, newRings.byteCount, rings.byteCount, leftRings.byteCount,
            endedRings.byteCount, files.byteCount,
        ].reduce(0, &+)
    }

    /// The poller's tokens of its socket and its process.
    var socketToken: UInt64 { number << 1 }
    var processToken: UInt64 { number << 1 | 1 }
}
