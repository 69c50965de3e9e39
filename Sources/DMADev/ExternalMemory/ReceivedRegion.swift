internal import Glibc
internal import LinuxSystem
internal import Synchronization
internal import SystemPackage

/// A region that another process has sent; see ``MemoryTable/receive(from:)``. It is checked, and not mapped yet.
///
/// While the object exists and is not attached, the sender may still unregister the region.
public final class ReceivedRegion: Sendable {
    /// Its length in bytes.
    public let byteCount: UInt64
    /// Its page size in bytes.
    public let pageSize: UInt64
    /// The dma-buf or memfd behind it.
    public let file: MemoryFileInformation

    let iovas: [UInt64]
    let descriptor: OwnedDescriptor
    /// The end of the lease that tells the sender of the use; -1 when it was closed.
    private let lease: Locked<CInt>
    private let isTaken = Atomic<Bool>(false)

    init(
        _ shape: MemoryShape, _ file: MemoryFileInformation, _ descriptor: consuming OwnedDescriptor,
        lease: consuming OwnedDescriptor
    ) {
        byteCount = shape.byteCount
        pageSize = shape.pageSize
        iovas = shape.iovas
        self.file = file
        self.descriptor = descriptor
        self.lease = Locked(lease.release())
    }

    deinit {
        endLease()
    }

    /// Begins the one use of the object.
    ///
    /// - Throws: `EINVAL` for a second one, `ENOENT` when the sender has unregistered the region.
    func beginUse() throws(DMAError) {
        guard !isTaken.exchange(true, ordering: .acquiringAndReleasing) else {
            throw .invalid("the received region is already attached: a region is sent once for each use")
        }
        do throws(Errno) {
            try lease.withLock { raw throws(Errno) in
                guard raw >= 0 else { throw .brokenPipe }
                try Lease.begin(raw)
            }
        } catch .brokenPipe {
            throw DMAError(.notFound, .noSuchFileOrDirectory, "the sender has unregistered the region")
        } catch {
            throw DMAError(.invalidArgument, .invalidArgument, "the sender has sent no way to tell it of the use")
        }
    }

    /// The use did not come about; another one may begin.
    func cancelUse() { isTaken.store(false, ordering: .releasing) }

    /// Tells the sender that the use has ended.
    func endLease() {
        lease.withLock { raw in
            if raw >= 0 { _ = close(raw) }
            raw = -1
        }
    }
}

/// The message that sends a region: these words, and two or three descriptors: the file, the end of a lease, and a memfd
/// with the IOVAs. All of it comes from an untrusted process.
struct RegionMessage {
    static let magic: UInt64 = 0x3130_4E47_5241_4D44  // "DMARGN01"
    static let wordCount = 5
    static let maximumIOVACount: UInt64 = 1 << 20

    var byteCount: UInt64
    var pageSize: UInt64
    var offset: UInt64
    var iovaCount: UInt64

    var words: [UInt64] { [Self.magic, byteCount, pageSize, offset, iovaCount] }

    init(byteCount: UInt64, pageSize: UInt64, offset: UInt64, iovaCount: UInt64) {
        self.byteCount = byteCount
        self.pageSize = pageSize
        self.offset = offset
        self.iovaCount = iovaCount
    }

    /// - Parameter words: as received.
    /// - Parameter length: the message's, in bytes; more than was received of a longer one.
    init?(_ words: [UInt64], length: Int) {
        guard length == Self.wordCount * MemoryLayout<UInt64>.size, words[0] == Self.magic else { return nil }
        self.init(byteCount: words[1], pageSize: words[2], offset: words[3], iovaCount: words[4])
    }
}
