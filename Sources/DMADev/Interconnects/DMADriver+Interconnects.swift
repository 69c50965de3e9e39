internal import SystemPackage

/// Defaults for drivers that map memory range by range, and the parts from which others make theirs.
extension DMADriver {
    /// Accepts system memory, and the windows of the device's own controller.
    public func match(_ interconnect: any Interconnect) throws(DMAError) { try matchBuiltIn(interconnect) }

    /// Maps each range with `mapMemory`: any address of a mapping can be read and written.
    public func mapRanges(_ ranges: [MemoryRange], _ direction: MappingDirection) throws(DMAError) -> [UInt64] {
        try mapEach(ranges)
    }

    /// Unmaps each range with `unmapMemory`, which observes no timeout.
    public func unmapRanges(
        _ iovas: [UInt64], for reason: ReleaseReason, within timeout: Duration?
    ) throws(DMAError) {
        try unmapEach(iovas)
    }

    /// Accepts system memory, and the windows of the device's own controller.
    public func matchBuiltIn(_ interconnect: any Interconnect) throws(DMAError) {
        if interconnect === SystemMemory.shared { return }
        guard let windows = interconnect as? ControllerWindows else {
            throw .unsupported("the \(properties.driver) driver does not know it")
        }
        guard properties.capabilities.contains(.interProcessDomain), properties.controllerID == windows.controllerID
        else { throw .unsupported("the device is not one of controller \(windows.controllerID)") }
    }

    /// Maps each range with `mapMemory`; if one fails, the earlier ones are unmapped.
    public func mapEach(_ ranges: [MemoryRange]) throws(DMAError) -> [UInt64] {
        var iovas: [UInt64] = []
        do throws(DMAError) {
            for range in ranges {
                iovas.append(try mapMemory(range.address, byteCount: range.byteCount, iova: nil))
            }
        } catch {
            for iova in iovas { try? unmapMemory(iova: iova) }
            throw error
        }
        return iovas
    }

    /// Unmaps each range with `unmapMemory`. Ranges that an earlier, failed call has unmapped are skipped.
    public func unmapEach(_ iovas: [UInt64]) throws(DMAError) {
        var failure: DMAError?
        for iova in iovas {
            do throws(DMAError) {
                try unmapMemory(iova: iova)
            } catch {
                if error.errno != .invalidArgument { failure = error }
            }
        }
        if let failure { throw failure }
    }
}
