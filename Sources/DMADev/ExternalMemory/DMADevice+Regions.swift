internal import CDMATrace
internal import LinuxSystem
internal import SystemPackage

/// A region that a device has mapped.
struct RegionMapping: Sendable {
    let region: MemoryRegion
    /// Of the region's first byte.
    let iova: UInt64
    /// Ends the region's use.
    let token: UInt64

    /// Whether the driver has mapped memory of the region from this IOVA on.
    func contains(_ iova: UInt64) -> Bool {
        self.iova == iova || region.hasIOVAs && region.runs.contains { $0.iova == iova }
    }
}

/// Regions of external memory as memory of a device. The rules of ``mapMemory(_:iova:)-(UnsafeMutableRawBufferPointer,_)``
/// for errors and threads apply.
extension DMADevice {
    /// Maps a region for the device; `rte_dev_dma_map` for each of its pages. Until it is unmapped, or the device closed,
    /// the region cannot be unregistered.
    ///
    /// A device without SVA reaches the region at its IOVAs, or, if it has none, at one that the device chooses; pages
    /// registered with ``MemoryRegion/badIOVA`` are not reached. A device with SVA reaches it at its address. An engine of
    /// this process that accesses a dma-buf synchronizes with the buffer's other users (`DMA_BUF_IOCTL_SYNC`), once a
    /// burst, as long as the region is mapped.
    ///
    /// - Parameters:
    ///   - region: registered in any table of this process.
    ///   - iova: of a region without IOVAs; `nil`: the device chooses one.
    /// - Returns: the IOVA of the region's first byte, for all pages: ``MemoryRegion/iova(of:)`` if the region has IOVAs,
    ///   else they follow.
    /// - Throws: `EINVAL` for an `iova` of a region that has IOVAs, or that wraps, or, with SVA, is not the address, and for
    ///   a region that is not registered any more; `EEXIST` when the IOVAs overlap mapped memory.
    public func mapMemory(_ region: MemoryRegion, iova: UInt64? = nil) throws(DMAError) -> UInt64 {
        var chosen = iova ?? 0
        try controlling("extmem_map") { ret in
            dmatrace_dmadev_extmem_map(id, region.number, region.address, region.byteCount, chosen, ret)
        } _: { () throws(DMAError) in
            try check(iova, for: region)
            // From now on it cannot be unregistered.
            let token = try region.beginUse(.mapping(device: id, name: name, iova: chosen))
            do throws(DMAError) {
                chosen = try driver.mapMemory(region, iova: iova)
            } catch {
                region.endUse(token)
                throw error
            }
            region.updateUse(token, .mapping(device: id, name: name, iova: chosen))
            state.withLock { $0.regions.append(RegionMapping(region: region, iova: chosen, token: token)) }
        }
        return chosen
    }

    private func check(_ iova: UInt64?, for region: MemoryRegion) throws(DMAError) {
        guard let iova else { return }
        if properties.capabilities.contains(.sva) {
            guard iova == region.address else {
                throw .invalid("iova: the device has SVA, so it must equal the virtual address")
            }
        } else if region.hasIOVAs {
            throw .invalid("iova: \(region) has IOVAs; pass nil")
        }
        guard !iova.addingReportingOverflow(region.byteCount).overflow else {
            throw .invalid("\(region.byteCount) bytes at IOVA 0x\(String(iova, radix: 16)): a mapping must not wrap")
        }
    }

    /// Ends ``mapMemory(_:iova:)-(MemoryRegion,_)``. When it returns, the device no longer accesses the region; operations
    /// on its IOVAs fail.
    ///
    /// - Throws: `EINVAL` when the device has not mapped the region.
    public func unmapMemory(_ region: MemoryRegion) throws(DMAError) {
        var iova: UInt64 = 0
        try controlling("extmem_unmap") { ret in
            dmatrace_dmadev_extmem_unmap(id, region.number, iova, ret)
        } _: { () throws(DMAError) in
            guard let mapping = state.withLock({ $0.regions.last { $0.region === region } }) else {
                throw .invalid("\(region) is not mapped for device \(id)")
            }
            iova = mapping.iova
            do throws(DMAError) {
                try driver.unmapMemory(region, iova: mapping.iova)
            } catch  where error.errno == .invalidArgument {
                // The driver has lost the mapping already, with its connection.
            }
            state.withLock { state in
                if let index = state.regions.lastIndex(where: { $0.token == mapping.token && $0.region === region }) {
                    state.regions.remove(at: index)
                }
            }
            region.endUse(mapping.token)
        }
    }

    /// Opens a window over a part of a region: the members of a group may access it. Until the window is closed, by
    /// ``unregisterWindow(iova:)`` or with its group, the region cannot be unregistered.
    ///
    /// - Parameters:
    ///   - region: with a file behind it that the device takes: a memfd that is sealed against shrinking.
    ///   - part: the bytes of the region, from 0; `nil`: all.
    ///   - rights: of the other members; at least one.
    ///   - group: a group that the device is a member of.
    /// - Returns: the window, with its address for transfers.
    /// - Throws: `EINVAL` for a part that is not in the region, and for a region that is not registered any more; and as
    ///   ``registerWindow(_:rights:in:)-(WindowMemory,_,_)``.
    public func registerWindow(
        _ region: MemoryRegion, part: Range<UInt64>? = nil, rights: WindowRights, in group: AccessGroupID
    ) throws(DMAError) -> DomainWindow {
        let part = part ?? 0..<region.byteCount
        let isInside = part.upperBound <= region.byteCount
        // Of a region that has ended, or a part outside of it, nothing is passed on; the call is traced and refused below.
        let token =
            isInside
            ? try? region.beginUse(.window(device: id, name: name, group: group, iova: 0)) : nil
        let descriptor = token == nil ? nil : region.lentDescriptor
        do throws(DMAError) {
            let window = try registerWindow(
                WindowMemory(
                    address: region.address &+ part.lowerBound,
                    length: token == nil ? 0 : part.upperBound - part.lowerBound,
                    descriptor: descriptor.flatMap { $0 < 0 ? nil : $0 },
                    offset: (region.file?.offset ?? 0) &+ part.lowerBound), rights: rights, in: group)
            if let token {
                region.updateUse(
                    token, .window(device: id, name: name, group: group, iova: window.iova)
                ) { [weak self] in self?.hasWindow(window) ?? false }
            }
            return window
        } catch {
            if let token { region.endUse(token) }
            guard isInside else {
                throw .invalid("bytes \(part.lowerBound) to \(part.upperBound): \(region) does not contain them")
            }
            throw region.isRegistered ? error : region.notRegistered
        }
    }

    /// Whether a window of this device is still open.
    private func hasWindow(_ window: DomainWindow) -> Bool {
        driver.accessGroups.contains { group in
            group.members.contains { $0.windows.contains { $0.handler == window.handler && $0.iova == window.iova } }
        }
    }
}
