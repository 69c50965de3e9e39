internal import CDMATrace
internal import Glibc
internal import LinuxSystem
internal import Synchronization
internal import SystemPackage

/// External memory that was registered in a ``MemoryTable``: an address range of this process with a page size, and
/// optionally with IOVAs and with the file behind it; `struct rte_memseg_list` of external memory.
///
/// The values never change, and the getters are lock-free snapshots: any thread may call them at any time, also in a
/// memory callback, for which DPDK has functions of their own (`_unsafe`). After the region is unregistered they fail.
public final class MemoryRegion: Sendable {
    /// The IOVA of a page that has none: an operation on it fails with a status, on every device; `RTE_BAD_IOVA`.
    public static let badIOVA = UInt64.max

    /// Its number, from 1; no other region of this process has or will have it.
    public let number: UInt64
    /// Its first address in this process, a multiple of the page size.
    public let address: UInt64
    /// Its length in bytes, a multiple of the page size.
    public let byteCount: UInt64
    /// The page size in bytes, a power of two.
    public let pageSize: UInt64
    /// Whether it was received from another process and attached.
    public let isAttached: Bool
    /// What is behind it; `nil`: no file is known.
    public let file: MemoryFileInformation?

    /// One for each page; empty: none.
    package let iovas: [UInt64]
    /// The descriptor of the file; -1: none. Open until ``end()``, and while a duplicate is made.
    private let descriptor: CInt
    /// The mapping of an attached region, and the other end of its lease.
    private let attachment: Locked<MemoryAttachment?>
    /// Bit 63: the region is not registered any more. Below: how many duplicates are being made.
    private let state = Atomic<UInt64>(0)
    let uses = Locked(MemoryUses())

    private static let removed: UInt64 = 1 << 63
    private static let nextNumber = Atomic<UInt64>(1)

    /// - Parameter descriptor: owned by the region from now on; -1: none.
    init(
        _ shape: MemoryShape, _ file: MemoryFileInformation? = nil, descriptor: CInt = -1,
        attachment: MemoryAttachment? = nil
    ) {
        number = Self.nextNumber.wrappingAdd(1, ordering: .relaxed).oldValue
        address = shape.address
        byteCount = shape.byteCount
        pageSize = shape.pageSize
        iovas = shape.iovas
        isAttached = attachment != nil
        self.file = file
        self.descriptor = descriptor
        self.attachment = Locked(attachment)
    }

    deinit {
        if state.load(ordering: .acquiring) & Self.removed == 0 { end() }
    }

    // MARK: Getters

    /// The descriptor of the dma-buf or memfd behind the region, lent: it stays open until the region is unregistered,
    /// and must not be closed; `rte_memseg_list_get_dmabuf_fd`. `nil`: the region has none.
    ///
    /// - Throws: `EINVAL` when the region is not registered any more.
    public var dmaBufferDescriptor: CInt? {
        get throws(DMAError) {
            try traced { dmatrace_dmadev_extmem_get_dmabuf_fd(number, descriptor, $0) }
            return descriptor < 0 ? nil : descriptor
        }
    }

    /// The offset of the region's first byte in its dma-buf or memfd; `rte_memseg_list_get_dmabuf_offset`. `nil`: the
    /// region has none.
    ///
    /// - Throws: `EINVAL` when the region is not registered any more.
    public var dmaBufferOffset: UInt64? {
        get throws(DMAError) {
            try traced { dmatrace_dmadev_extmem_get_dmabuf_offset(number, file?.offset ?? 0, $0) }
            return file?.offset
        }
    }

    /// A duplicate of the descriptor, close-on-exec, which the caller closes; `nil`: the region has none.
    ///
    /// - Throws: `EINVAL` when the region is not registered any more; `EMFILE`.
    public func duplicateDMABufferDescriptor() throws(DMAError) -> CInt? {
        var duplicate: CInt = -1
        var failure: DMAError?
        if state.wrappingAdd(1, ordering: .acquiringAndReleasing).oldValue & Self.removed != 0 {
            failure = notRegistered
        } else if descriptor >= 0 {
            switch systemCall({ fcntl(descriptor, F_DUPFD_CLOEXEC, 0) }) {
            case .success(let made): duplicate = made
            case .failure(let error):
                failure = DMAError(.system, error, "the descriptor of region \(number) cannot be duplicated")
            }
        }
        release()
        dmatrace_dmadev_extmem_dup_dmabuf_fd(number, duplicate, failure.map { -$0.errno.rawValue } ?? 0)
        if let failure { throw failure }
        return duplicate < 0 ? nil : duplicate
    }

    /// The IOVA of an address of the region: what a device without SVA takes once the region is mapped for it;
    /// ``badIOVA`` for a page that was registered without.
    ///
    /// - Parameter address: of the region.
    /// - Throws: `EINVAL` for an address outside of the region, and when the region is not registered any more.
    public func iova(of address: UInt64) throws(DMAError) -> UInt64 {
        guard address >= self.address, address - self.address < byteCount else {
            dmatrace_dmadev_extmem_get_iova(number, address, Self.badIOVA, -EINVAL)
            throw .invalid("0x\(String(address, radix: 16)): \(description) does not contain it")
        }
        let offset = address - self.address
        let page = iovas.isEmpty ? Self.badIOVA : iovas[Int(offset / pageSize)]
        let iova = page == Self.badIOVA ? page : page + offset % pageSize
        try traced { dmatrace_dmadev_extmem_get_iova(number, address, iova, $0) }
        return iova
    }

    /// The descriptor, for drivers and traces; -1: none. Open while the region is in use.
    package var lentDescriptor: CInt { descriptor }

    /// Whether every page was registered with an IOVA, or with ``badIOVA``.
    public var hasIOVAs: Bool { !iovas.isEmpty }

    /// What an attached region was received as.
    var received: ReceivedRegion? { attachment.withLock { $0?.received } }

    /// Its pages that have an IOVA, by runs of consecutive addresses and IOVAs. For drivers.
    public var runs: [(iova: UInt64, address: UInt64, byteCount: UInt64)] {
        var runs: [(iova: UInt64, address: UInt64, byteCount: UInt64)] = []
        for (page, iova) in iovas.enumerated() where iova != Self.badIOVA {
            let address = address + UInt64(page) * pageSize
            if let last = runs.last, last.iova &+ last.byteCount == iova, last.address + last.byteCount == address {
                runs[runs.count - 1].byteCount += pageSize
            } else {
                runs.append((iova, address, pageSize))
            }
        }
        return runs
    }

    /// Whether the region is registered.
    public var isRegistered: Bool { state.load(ordering: .acquiring) & Self.removed == 0 }

    @inline(__always)
    private func traced(_ trace: (Int32) -> Void) throws(DMAError) {
        guard isRegistered else {
            trace(-EINVAL)
            throw notRegistered
        }
        trace(0)
    }

    var notRegistered: DMAError {
        DMAError(.notFound, .invalidArgument, "\(description) is not registered any more")
    }

    // MARK: End

    /// Ends all getters, closes the descriptor and unmaps an attached region. For the table, once.
    func end() {
        // A duplicate that is being made keeps the descriptor open, and closes it then.
        let old = state.bitwiseOr(Self.removed, ordering: .acquiringAndReleasing).oldValue
        if old & ~Self.removed == 0 { closeDescriptor() }
        // Unmaps an attached region.
        attachment.withLock { $0 = nil }
    }

    /// Ends the making of a duplicate.
    private func release() {
        if state.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue == Self.removed { closeDescriptor() }
    }

    /// Whether the descriptor is still to be closed: a failed duplicate after the end must not close it again.
    private let isOpen = Atomic<Bool>(true)

    private func closeDescriptor() {
        guard descriptor >= 0, isOpen.exchange(false, ordering: .acquiringAndReleasing) else { return }
        _ = Glibc.close(descriptor)
    }
}

extension MemoryRegion: CustomStringConvertible {
    /// The number and the addresses.
    public var description: String {
        "region \(number) (\(byteCount) bytes at 0x\(String(address, radix: 16)))"
    }
}

/// The file behind a region.
public struct MemoryFileInformation: Sendable, Hashable {
    /// The kinds of files that memory is shared with.
    public enum Kind: String, Sendable, Hashable {
        /// A dma-buf.
        case dmaBuffer = "dma-buf"
        /// A file in memory, sealed against shrinking.
        case memoryFile = "memfd"
    }

    /// Its kind.
    public let kind: Kind
    /// The exporter of a dma-buf, else empty.
    public let exporter: String
    /// Its inode number.
    public let inode: UInt64
    /// Its length in bytes when the region was made.
    public let byteCount: UInt64
    /// The offset of the region's first byte in it.
    public let offset: UInt64
    /// Whether the region's addresses are known to be a mapping of this file. `false`: the exporter of the dma-buf maps
    /// another file in its place, or from another offset, which only its driver can tell.
    public let isVerified: Bool
}

/// The memory of a region, before it is one.
struct MemoryShape {
    var address: UInt64
    var byteCount: UInt64
    var iovas: [UInt64]
    var pageSize: UInt64
}

/// What an attached region keeps.
struct MemoryAttachment: Sendable {
    let mapping: SharedMapping
    let received: ReceivedRegion
}
