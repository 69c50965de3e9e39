internal import CDMATrace

/// The events of an attachment's calls; see dmatrace_dmadev_interconnect_events.h.
extension BufferAttachment {
    func traceMap(
        _ direction: MappingDirection, _ ranges: [any InterconnectRange], _ imported: [ImportedRange], _ ret: Int32
    ) {
        guard dmatrace_dmadev_interconnect_map_enabled() else { return }
        dmatrace_emit_dmadev_interconnect_map(
            id, importer.deviceID, direction.rawValue, exporter.byteCount, ranges.map(\.address),
            ranges.map(\.byteCount), UInt32(ranges.count), imported.map(\.address), UInt32(imported.count), ret)
    }

    func traceUnmap(_ ret: Int32) {
        guard dmatrace_dmadev_interconnect_unmap_enabled() else { return }
        dmatrace_emit_dmadev_interconnect_unmap(id, importer.deviceID, state.rawValue, ret)
    }

    func traceDetach(_ ret: Int32) {
        dmatrace_dmadev_interconnect_detach(id, importer.deviceID, ret)
    }

    func traceRevoke(_ timeout: Duration, waited: UInt64, _ ret: Int32) {
        guard dmatrace_dmadev_interconnect_revoke_enabled() else { return }
        dmatrace_emit_dmadev_interconnect_revoke(
            id, importer.deviceID, timeout.inNanoseconds, waited, state.rawValue, ret)
    }
}
