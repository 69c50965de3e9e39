public import MachineInventory
public import TelemetryWire

/// The inventory as JSON, in replies and in the output of the program.
extension DMABufferInventory {
    /// How complete the inventory is, and a row for each of some buffers.
    ///
    /// - Parameter part: places in ``buffers``; those beyond its end are left out.
    public func json(_ part: Range<Int>) -> JSONValue {
        var reply = JSONValue.object()
        reply.set("count", buffers.count)
        reply.set("complete", isComplete ? 1 : 0)
        reply.set("processes", processCount)
        reply.set("denied_processes", deniedProcesses.count)
        reply.set("truncated_processes", truncatedProcesses.count)
        reply.set("out_of_time", isOutOfTime ? 1 : 0)
        reply.set("proc", processes.rawValue)
        reply.set("sysfs", sysfs.rawValue)
        reply.set("debugfs", debugfs.rawValue)
        var rows = JSONValue.array()
        for buffer in buffers[part.clamped(to: buffers.indices)] { rows.append(buffer.json) }
        reply.set("buffers", rows)
        return reply
    }

    /// One buffer with its holders; `nil` when there is none with this inode number.
    ///
    /// - Parameter holderLimit: more holders are counted, but left out.
    public func json(ofBuffer inode: UInt64, holderLimit: Int = .max) -> JSONValue? {
        guard let buffer = buffers.first(where: { $0.inode == inode }) else { return nil }
        var reply = buffer.json
        if let devices = buffer.attachedDevices {
            var names = JSONValue.array()
            for device in devices.prefix(64) { names.append(JSONValue(device)) }
            reply.set("attached", names)
        }
        var holders = JSONValue.array()
        for holder in buffer.holders.prefix(holderLimit) {
            var row = JSONValue.object()
            row.set("pid", holder.processID)
            row.set("name", holder.processName)
            row.set("uid", holder.userID)
            row.set("fds", holder.descriptorCount)
            row.set("maps", holder.mappingCount)
            row.set("mapped", holder.mappedByteCount)
            holders.append(row)
        }
        reply.set("holders", holders)
        return reply
    }
}

extension DMABufferRecord {
    fileprivate var json: JSONValue {
        var row = JSONValue.object()
        row.set("inode", inode)
        if let exporter { row.set("exporter", exporter) }
        if let name { row.set("name", name) }
        if let byteCount { row.set("size", byteCount) }
        if let referenceCount { row.set("references", referenceCount) }
        row.set("holder_count", holders.count)
        return row
    }
}
