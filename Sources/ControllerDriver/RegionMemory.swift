internal import ControllerProtocol
internal import DMADev
internal import LinuxSystem
internal import SystemPackage

/// The memory of a connection whose engine is on another operating system: all of it lies in one region, which a broker
/// shares out.
final class RegionMemory: Sendable {
    private let connection: ControllerConnection
    private let region: Region

    /// - Returns: `nil` for a connection whose memory comes by descriptors.
    init?(of connection: ControllerConnection) {
        guard let region = connection.region else { return nil }
        self.connection = connection
        self.region = region
    }

    /// Allocates zeroed memory.
    ///
    /// - Throws: `EINVAL` for less than 1 byte; the broker's error when too little is free; `EIO`.
    func allocate(byteCount: Int) throws(DMAError) -> RegionBuffer {
        guard byteCount > 0, byteCount <= Int.max - SharedMemory.page else {
            throw DMAError(.invalidArgument, .invalidArgument, "a buffer of \(byteCount) bytes: the minimum is 1")
        }
        let size = (byteCount + SharedMemory.page - 1) & ~(SharedMemory.page - 1)
        let offset = try connection.request(AllocateMemory(byteCount: UInt64(size)), for: MemoryAllocated.self)
            .message.offset
        let (end, overflow) = offset.addingReportingOverflow(UInt64(size))
        guard !overflow, end <= region.byteCount, offset % UInt64(SharedMemory.page) == 0 else {
            throw DMAError(
                .system, .protocolError,
                "the broker has allocated \(size) bytes at \(offset), which is not in the region")
        }
        do throws(Errno) {
            let mapping = try SharedMapping(of: region.file.raw, offset: Int(offset), byteCount: size, isWritable: true)
            let buffer = RegionBuffer(mapping, at: offset, connection)
            _ = mapping.bytes.initializeMemory(as: UInt8.self, repeating: 0)
            region.add(mapping, at: offset)
            return buffer
        } catch {
            _ = try? connection.request(FreeMemory(offset: offset), for: Done.self)
            throw DMAError(.exhausted, error, "\(size) bytes of the region cannot be mapped: \(error)")
        }
    }

    /// The offset of memory in the region; `nil` when no buffer of this connection contains all of it.
    func offset(of address: UInt64, _ byteCount: UInt64) -> UInt64? { region.offset(of: address, byteCount) }

    /// The region of one connection, and the buffers that are mapped in this process.
    final class Region: Sendable {
        let file: OwnedDescriptor
        let byteCount: UInt64

        private struct State {
            var buffers: [UInt64: (mapping: SharedMapping, offset: UInt64)] = [:]
            var isEnded = false
        }

        private let state = Locked(State())

        init(_ file: consuming OwnedDescriptor, byteCount: UInt64) {
            self.file = file
            self.byteCount = byteCount
        }

        func add(_ mapping: SharedMapping, at offset: UInt64) {
            state.withLock { state in
                if state.isEnded { try? mapping.keepCopy() }
                state.buffers[Self.address(mapping)] = (mapping, offset)
            }
        }

        func remove(_ mapping: SharedMapping) {
            // Released without the lock.
            let removed = state.withLock { $0.buffers.removeValue(forKey: Self.address(mapping)) }
            withExtendedLifetime(removed) {}
        }

        func offset(of address: UInt64, _ byteCount: UInt64) -> UInt64? {
            state.withLock { state in
                for (start, buffer) in state.buffers
                where address >= start && address - start < UInt64(buffer.mapping.bytes.count) {
                    let skipped = address - start
                    let left = UInt64(buffer.mapping.bytes.count) - skipped
                    return byteCount <= left ? buffer.offset + skipped : nil
                }
                return nil
            }
        }

        /// The connection has ended: the broker gives its memory to others. What this process has mapped becomes private,
        /// with its contents.
        func end() {
            state.withLock { state in
                state.isEnded = true
                for buffer in state.buffers.values { try? buffer.mapping.keepCopy() }
            }
        }

        private static func address(_ mapping: SharedMapping) -> UInt64 {
            UInt64(UInt(bitPattern: mapping.bytes.baseAddress))
        }
    }
}

/// Memory of a region, freed when the object is deallocated.
final class RegionBuffer: Sendable {
    private let mapping: SharedMapping
    private let connection: ControllerConnection
    /// In the region.
    let offset: UInt64

    init(_ mapping: SharedMapping, at offset: UInt64, _ connection: ControllerConnection) {
        self.mapping = mapping
        self.offset = offset
        self.connection = connection
    }

    var bytes: UnsafeMutableRawBufferPointer { mapping.bytes }

    deinit {
        // A forked child has its own copy of the object.
        guard !connection.liveness.isInherited else { return }
        connection.region?.remove(mapping)
        if connection.isAlive { _ = try? connection.request(FreeMemory(offset: offset), for: Done.self) }
    }
}
