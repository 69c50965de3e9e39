internal import CDMATrace
internal import Glibc
internal import LinuxSystem
internal import SystemPackage

/// The external memory of a process: memory that it did not allocate with this library, by address.
///
/// Registering maps nothing for a device: ``DMADevice/mapMemory(_:iova:)-(MemoryRegion,_)`` does. Any thread may call; no
/// call waits for a device, and no lock is held while a callback runs.
public final class MemoryTable: Sendable {
    /// How many regions a table takes unless its registry says otherwise.
    public static let defaultRegionCount = 256

    static let systemPageSize = sysconf(Int32(_SC_PAGESIZE))

    private struct State {
        /// In the order of their addresses.
        var regions: [MemoryRegion] = []
        var callbacks: [MemoryCallback] = []

        /// The first region that ends behind an address.
        func place(of address: UInt64) -> Int {
            var (low, high) = (0, regions.count)
            while low < high {
                let middle = (low + high) / 2
                let region = regions[middle]
                if region.address + region.byteCount <= address { low = middle + 1 } else { high = middle }
            }
            return low
        }
    }

    private let maximumRegionCount: Int
    private let state = Locked(State())
    let failedCalls: FailedCallLog
    private let changes: ControlChanges

    init(maximumRegionCount: Int, failedCalls: FailedCallLog, changes: ControlChanges) {
        self.maximumRegionCount = max(maximumRegionCount, 1)
        self.failedCalls = failedCalls
        self.changes = changes
    }

    // MARK: Registering

    /// Registers memory of this process; `rte_extmem_register`.
    ///
    /// - Parameters:
    ///   - address: a multiple of the page size, not 0.
    ///   - byteCount: a multiple of the page size, not 0.
    ///   - iovas: one for each page, each a multiple of the page size or ``MemoryRegion/badIOVA``; `nil`: none.
    ///   - pageSize: a power of two.
    /// - Returns: the region, which stays registered until ``unregister(_:)``.
    /// - Throws: `EINVAL` for an argument outside these rules, `EEXIST` when the range overlaps a registered one,
    ///   `ENOSPC` when the table is full.
    @discardableResult
    public func registerMemory(
        at address: UInt64, byteCount: UInt64, iovas: [UInt64]? = nil, pageSize: UInt64 = 4096
    ) throws(DMAError) -> MemoryRegion {
        var traced = dmatrace_memory(address, byteCount, pageSize)
        return try failedCalls.tracing("extmem_register", of: -1) { ret in
            dmatrace_dmadev_extmem_register(&traced, iovas ?? [], UInt32(clamping: iovas?.count ?? 0), ret)
        } _: { () throws(DMAError) in
            let region = try add(MemoryRegion(try MemoryShape(address, byteCount, iovas, pageSize)))
            traced.region = region.number
            return region
        }
    }

    /// Registers memory of this process that maps a dma-buf, or a memfd that is sealed against shrinking;
    /// `rte_extmem_register_dmabuf`.
    ///
    /// The descriptor is duplicated, close-on-exec. In addition to the rules of
    /// ``registerMemory(at:byteCount:iovas:pageSize:)``, the addresses must be a shared mapping of this file at this
    /// offset. If the exporter of a dma-buf maps a file of its own instead, or displaces the offset as graphics drivers
    /// do, the region is registered and ``MemoryFileInformation/isVerified`` is false.
    ///
    /// - Parameters:
    ///   - descriptor: 0 or more; stays the caller's.
    ///   - offset: of the first byte in the file: a multiple of the system's page size.
    ///   - address: a multiple of the page size, not 0.
    ///   - byteCount: a multiple of the page size, not 0; the file must be as long.
    ///   - iovas: one for each page; `nil`: none.
    ///   - pageSize: a power of two.
    /// - Throws: `EINVAL`, also for a negative descriptor, another kind of file, and addresses that do not map it;
    ///   `EBADF` for a descriptor that is not open; `EEXIST`; `ENOSPC`; `EMFILE`.
    @discardableResult
    public func registerDMABuffer(
        _ descriptor: CInt, offset: UInt64 = 0, at address: UInt64, byteCount: UInt64, iovas: [UInt64]? = nil,
        pageSize: UInt64 = 4096
    ) throws(DMAError) -> MemoryRegion {
        var traced = dmatrace_memory(address, byteCount, pageSize)
        (traced.fd, traced.offset) = (descriptor, offset)
        return try failedCalls.tracing("extmem_register_dmabuf", of: -1) { ret in
            dmatrace_dmadev_extmem_register_dmabuf(&traced, iovas ?? [], UInt32(clamping: iovas?.count ?? 0), ret)
        } _: { () throws(DMAError) in
            guard descriptor >= 0 else {
                throw .invalid("descriptor \(descriptor): a dma-buf has one from 0 on; register other memory without")
            }
            let shape = try MemoryShape(address, byteCount, iovas, pageSize)
            // Before the checks: another thread may replace the caller's descriptor meanwhile.
            let duplicate = try Self.duplicate(descriptor)
            let file = try BackingFile(of: duplicate.raw)
            try file.check(offset: offset, byteCount: byteCount)
            let isVerified = try file.checkMapping(at: address, byteCount: byteCount, offset: offset)
            let information = file.information(offset: offset, isVerified: isVerified)
            let region = MemoryRegion(shape, information, descriptor: duplicate.release())
            traced.set(information)
            traced.region = try add(region).number
            return region
        }
    }

    private static func duplicate(_ descriptor: CInt) throws(DMAError) -> OwnedDescriptor {
        do throws(Errno) {
            return OwnedDescriptor(adopting: try tryingSystemCall { fcntl(descriptor, F_DUPFD_CLOEXEC, 0) })
        } catch {
            throw DMAError(
                error == .badFileDescriptor ? .invalidArgument : .system, error,
                "descriptor \(descriptor) cannot be duplicated: \(error)")
        }
    }

    /// Unregisters a region; `rte_extmem_unregister`. Its getters fail from then on, and its descriptor is closed. The
    /// memory itself stays as it is.
    ///
    /// - Throws: `EBUSY` while a device has mapped it or has a window over it, an attachment of it is not dead, or
    ///   another process has attached it, with who it is; `ENOENT` when it is not registered; `EINVAL` for an attached region.
    public func unregister(_ region: MemoryRegion) throws(DMAError) {
        try failedCalls.tracing("extmem_unregister", of: -1) { ret in
            dmatrace_dmadev_extmem_unregister(region.number, region.address, region.byteCount, ret)
        } _: { () throws(DMAError) in
            guard !region.isAttached else { throw .invalid("\(region) is attached: detach it") }
            try remove(region)
        }
    }

    /// Unregisters the region with exactly these addresses; `rte_extmem_unregister`.
    ///
    /// - Throws: as ``unregister(_:)-(MemoryRegion)``; `ENOENT` when no region has these addresses.
    public func unregisterMemory(at address: UInt64, byteCount: UInt64) throws(DMAError) {
        let found = region(containing: address).flatMap {
            $0.address == address && $0.byteCount == byteCount ? $0 : nil
        }
        guard let found else {
            try failedCalls.tracing("extmem_unregister", of: -1) { ret in
                dmatrace_dmadev_extmem_unregister(0, address, byteCount, ret)
            } _: { () throws(DMAError) in
                throw DMAError(
                    .notFound, .noSuchFileOrDirectory,
                    "0x\(String(address, radix: 16)): no region of \(byteCount) bytes starts there")
            }
            return
        }
        try unregister(found)
    }

    /// The region with an address; `rte_mem_virt2memseg_list`.
    ///
    /// - Throws: `ENOENT` when the address is in none.
    public func lookUp(_ address: UInt64) throws(DMAError) -> MemoryRegion {
        var number: UInt64 = 0
        return try failedCalls.tracing("extmem_lookup", of: -1) { ret in
            dmatrace_dmadev_extmem_lookup(address, number, ret)
        } _: { () throws(DMAError) in
            guard let found = region(containing: address) else {
                throw DMAError(
                    .notFound, .noSuchFileOrDirectory, "0x\(String(address, radix: 16)): no region contains it")
            }
            number = found.number
            return found
        }
    }

    /// For telemetry and displays: all regions, in the order of their addresses. Nothing is traced or recorded.
    public var regions: [MemoryRegion] { state.withLock { $0.regions } }

    private func region(containing address: UInt64) -> MemoryRegion? {
        state.withLock { state in
            let place = state.place(of: address)
            guard place < state.regions.count, state.regions[place].address <= address else { return nil }
            return state.regions[place]
        }
    }

    // MARK: Callbacks

    /// Calls a callback for each region that is registered or unregistered from now on;
    /// `rte_mem_event_callback_register`.
    ///
    /// - Throws: `EEXIST` when an equal one is registered.
    public func registerCallback(_ callback: MemoryCallback) throws(DMAError) {
        try failedCalls.tracing("extmem_callback_register", of: -1) { ret in
            dmatrace_dmadev_extmem_callback_register(ret)
        } _: { () throws(DMAError) in
            let isNew = state.withLock { state in
                guard !state.callbacks.contains(where: callback.isSame) else { return false }
                state.callbacks.append(callback)
                return true
            }
            guard isNew else { throw DMAError(.exists, .fileExists, "this memory callback is already registered") }
        }
    }

    /// Ends ``registerCallback(_:)``; `rte_mem_event_callback_unregister`. A call of the callback that another thread has
    /// begun may still run when it returns.
    ///
    /// - Throws: `ENOENT` without an equal one.
    public func unregisterCallback(_ callback: MemoryCallback) throws(DMAError) {
        try failedCalls.tracing("extmem_callback_unregister", of: -1) { ret in
            dmatrace_dmadev_extmem_callback_unregister(ret)
        } _: { () throws(DMAError) in
            let place = state.withLock { state in
                let place = state.callbacks.firstIndex(where: callback.isSame)
                if let place { state.callbacks.remove(at: place) }
                return place
            }
            guard place != nil else {
                throw DMAError(.notFound, .noSuchFileOrDirectory, "this memory callback is not registered")
            }
        }
    }

    // MARK: Inside

    /// Adds a region and tells the callbacks.
    ///
    /// - Throws: `EEXIST`, `ENOSPC`; the region has ended then.
    func add(_ region: MemoryRegion) throws(DMAError) -> MemoryRegion {
        let callbacks = try state.withLock { state throws(DMAError) in
            let place = state.place(of: region.address)
            if place < state.regions.count, state.regions[place].address < region.address + region.byteCount {
                throw DMAError(.exists, .fileExists, "\(region.range) overlaps \(state.regions[place])")
            }
            guard state.regions.count < maximumRegionCount else {
                throw DMAError(
                    .exhausted, .noSpace, "\(maximumRegionCount) regions are registered, which is the maximum")
            }
            state.regions.insert(region, at: place)
            return state.callbacks
        }
        changes.increment()
        for callback in callbacks { callback.body(.registered, region) }
        region.uses.withLock { $0.phase = .registered }
        return region
    }

    /// Removes a region that nothing uses, after the callbacks.
    func remove(_ region: MemoryRegion) throws(DMAError) {
        let isKnown = state.withLock { $0.regions.contains { $0 === region } }
        try region.uses.withLock { uses throws(DMAError) in
            guard isKnown, uses.phase != .leaving else {
                throw DMAError(.notFound, .noSuchFileOrDirectory, "\(region) is not registered")
            }
            guard uses.phase == .registered else {
                throw DMAError(.busy, .resourceBusy, "\(region): its registration has not returned yet")
            }
            // Closing first would end the leases of a region that stays.
            var users = uses.current()
            if users.isEmpty {
                uses.closeLeases()
                users = uses.current()
            }
            guard users.isEmpty else {
                throw DMAError(
                    .busy, .resourceBusy, "\(region) is \(users.map(\.description).joined(separator: ", "))")
            }
            uses.phase = .leaving
        }
        for callback in state.withLock({ $0.callbacks }) { callback.body(.unregistering, region) }
        state.withLock { state in state.regions.removeAll { $0 === region } }
        region.end()
        changes.increment()
    }
}

extension MemoryShape {
    /// - Throws: `EINVAL` for values outside of the rules of `registerMemory`.
    init(_ address: UInt64, _ byteCount: UInt64, _ iovas: [UInt64]?, _ pageSize: UInt64) throws(DMAError) {
        guard pageSize > 0, pageSize & (pageSize - 1) == 0 else {
            throw .invalid("a page size of \(pageSize): it is a power of two")
        }
        guard address > 0, address % pageSize == 0 else {
            throw .invalid("address 0x\(String(address, radix: 16)): a multiple of the page size \(pageSize), not 0")
        }
        guard byteCount > 0, byteCount % pageSize == 0, !address.addingReportingOverflow(byteCount).overflow else {
            throw .invalid("\(byteCount) bytes: a multiple of the page size \(pageSize), not 0, that does not wrap")
        }
        if let iovas {
            guard UInt64(iovas.count) == byteCount / pageSize else {
                throw .invalid("\(iovas.count) IOVAs: one for each of the \(byteCount / pageSize) pages, or none")
            }
            if let odd = iovas.first(where: { $0 % pageSize != 0 && $0 != MemoryRegion.badIOVA }) {
                throw .invalid("IOVA 0x\(String(odd, radix: 16)): a multiple of the page size \(pageSize)")
            }
        }
        self.init(address: address, byteCount: byteCount, iovas: iovas ?? [], pageSize: pageSize)
    }
}

extension MemoryRegion {
    fileprivate var range: String { "\(byteCount) bytes at 0x\(String(address, radix: 16))" }
}

extension dmatrace_memory {
    init(_ address: UInt64, _ byteCount: UInt64, _ pageSize: UInt64) {
        self.init(
            region: 0, address: address, length: byteCount, page_size: pageSize, fd: -1, offset: 0, inode: 0, size: 0,
            verified: 0)
    }

    mutating func set(_ file: MemoryFileInformation) {
        offset = file.offset
        inode = file.inode
        size = file.byteCount
        verified = file.isVerified ? 1 : 0
    }
}
