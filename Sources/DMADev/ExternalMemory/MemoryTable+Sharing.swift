internal import CDMATrace
internal import Glibc
internal import LinuxSystem
internal import SystemPackage

/// Regions between processes: one sends a region that it has registered, another one receives and attaches it. Each
/// region has its file, offset, page size and IOVAs with it; the address is the receiver's own.
extension MemoryTable {
    /// Sends a region to the process at the other end of a socket; it may then attach it. Waits while the socket is full,
    /// unless it is non-blocking.
    ///
    /// - Parameters:
    ///   - region: with a dma-buf or memfd behind it.
    ///   - socket: a connected Unix socket of kind `SOCK_SEQPACKET`; stays the caller's.
    /// - Throws: `ENOTSUP` for a region without a file, `EINVAL` for a region that is not registered and for another kind
    ///   of socket, `E2BIG` for more than 1,048,576 IOVAs, `EBUSY` when other processes hold it 1,024 times, and errors of
    ///   the socket, for example `EPIPE`, `EAGAIN`.
    public func send(_ region: MemoryRegion, over socket: CInt) throws(DMAError) {
        var traced = region.traced
        try failedCalls.tracing("extmem_send", of: -1) { ret in
            dmatrace_dmadev_extmem_send(socket, &traced, ret)
        } _: { () throws(DMAError) in
            guard let file = region.file else {
                throw DMAError(
                    .notSupported, .notSupported,
                    "\(region) has no file that another process could map: register it with its dma-buf or memfd")
            }
            try Self.check(socket)
            guard UInt64(region.iovas.count) <= RegionMessage.maximumIOVACount else {
                throw DMAError(
                    .invalidArgument, .argListTooLong,
                    "\(region.iovas.count) IOVAs: at most \(RegionMessage.maximumIOVACount) can be sent")
            }
            // So that the region is not unregistered meanwhile.
            let token = try region.beginUse(.other("being sent to another process"))
            defer { region.endUse(token) }
            guard region.uses.withLock({ $0.hasRoomForLease() }) else {
                throw DMAError(
                    .busy, .resourceBusy,
                    "\(region) was sent \(MemoryUses.maximumLeaseCount) times to processes that still hold it")
            }
            let message = RegionMessage(
                byteCount: region.byteCount, pageSize: region.pageSize, offset: file.offset,
                iovaCount: UInt64(region.iovas.count))
            do throws(Errno) {
                let lease = try Self.send(message, region.lentDescriptor, region.iovas, on: socket)
                region.uses.withLock { $0.add(lease) }
            } catch {
                throw DMAError(.system, error, "\(region) cannot be sent: \(error)")
            }
        }
    }

    private static func send(
        _ message: RegionMessage, _ descriptor: CInt, _ iovas: [UInt64], on socket: CInt
    ) throws(Errno) -> Lease {
        try Lease.make { other throws(Errno) in
            guard !iovas.isEmpty else { return try send(message, [descriptor, other], on: socket) }
            let list = try MemoryFile.make(name: "dmascope-iovas", byteCount: iovas.count * MemoryLayout<UInt64>.size)
            let raw = list.raw
            var written = 0
            while written < iovas.count * MemoryLayout<UInt64>.size {
                let result = iovas.withUnsafeBytes { bytes in
                    let rest = UnsafeRawBufferPointer(rebasing: bytes[written...])
                    return systemCall { pwrite(raw, rest.baseAddress, rest.count, off_t(written)) }
                }
                written += try result.get()
            }
            try MemoryFile.add([.shrink, .grow, .write, .seal], to: raw)
            try send(message, [descriptor, other, raw], on: socket)
            withExtendedLifetime(list) {}
        }
    }

    private static func send(_ message: RegionMessage, _ descriptors: [CInt], on socket: CInt) throws(Errno) {
        let result = message.words.withUnsafeBytes { bytes in
            Result { () throws(Errno) in
                try SequencedPacketSocket.send(bytes, descriptors: descriptors, on: socket)
            }
        }
        try result.get()
    }

    private static func check(_ socket: CInt) throws(DMAError) {
        guard Lease.isSequencedPacketSocket(socket) else {
            throw .invalid("descriptor \(socket): a region is sent over a Unix socket of kind SOCK_SEQPACKET")
        }
    }

    /// Receives the next region that a process sends. Waits for it, unless the socket is non-blocking.
    ///
    /// Everything in the message is checked: the sender need not be trusted. Its file is a dma-buf or a memfd that cannot
    /// shrink; its contents are whatever the sender writes, at any time. What is refused is closed before the call
    /// returns, which takes as long as the sender's file chooses.
    ///
    /// - Parameter socket: a connected Unix socket of kind `SOCK_SEQPACKET`; stays the caller's.
    /// - Throws: `EPROTO` for a message that is none of a region, `EINVAL` for a region that breaks the rules of
    ///   ``registerDMABuffer(_:offset:at:byteCount:iovas:pageSize:)`` and for another kind of socket, `ECONNRESET` when the
    ///   connection has ended, and errors of the socket, for example `EAGAIN`.
    public func receive(from socket: CInt) throws(DMAError) -> ReceivedRegion {
        var traced = dmatrace_memory(0, 0, 0)
        return try failedCalls.tracing("extmem_receive", of: -1) { ret in
            dmatrace_dmadev_extmem_receive(socket, &traced, ret)
        } _: { () throws(DMAError) in
            try Self.check(socket)
            let region = try Self.receive(on: socket)
            traced = dmatrace_memory(0, region.byteCount, region.pageSize)
            traced.fd = region.descriptor.raw
            traced.set(region.file)
            return region
        }
    }

    private static func receive(on socket: CInt) throws(DMAError) -> ReceivedRegion {
        let words = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: RegionMessage.wordCount)
        defer { words.deallocate() }
        words.initialize(repeating: 0)
        var received: ReceivedMessage
        do throws(Errno) {
            received = try SequencedPacketSocket.receive(
                into: UnsafeMutableRawBufferPointer(words), descriptorLimit: 3, on: socket)
        } catch {
            throw DMAError(.system, error, "no region can be received: \(error)")
        }
        guard received.byteCount > 0 else {
            throw DMAError(.system, .connectionReset, "the connection has ended: no region was received")
        }
        guard !received.lostDescriptors, let message = RegionMessage(Array(words), length: received.byteCount),
            message.iovaCount <= RegionMessage.maximumIOVACount,
            received.descriptors.count == (message.iovaCount > 0 ? 3 : 2),
            let descriptor = received.descriptors.takeFirst(), let lease = received.descriptors.takeFirst()
        else {
            throw DMAError(.system, .protocolError, "the received message is none of a region")
        }
        let file = try BackingFile(of: descriptor.raw)
        try file.check(offset: message.offset, byteCount: message.byteCount)
        guard Lease.isSequencedPacketSocket(lease.raw) else {
            throw DMAError(.system, .protocolError, "the received message has no way to tell its sender of a use")
        }
        let iovas = try received.descriptors.first.map { list throws(DMAError) in
            try Self.iovas(in: list, count: Int(message.iovaCount))
        }
        // Any address will do for the check.
        let shape = try MemoryShape(max(message.pageSize, 1), message.byteCount, iovas, message.pageSize)
        return ReceivedRegion(
            shape, file.information(offset: message.offset, isVerified: true), descriptor, lease: lease)
    }

    private static func iovas(in list: CInt, count: Int) throws(DMAError) -> [UInt64] {
        let byteCount = count * MemoryLayout<UInt64>.size
        // Its kind first: others could block.
        guard let seals = try? MemoryFile.seals(of: list), seals.contains(.shrink),
            (try? MemoryFile.byteCount(of: list)) == byteCount
        else {
            throw DMAError(.system, .protocolError, "the received list of IOVAs is not a sealed memfd of their size")
        }
        var iovas = [UInt64](repeating: 0, count: count)
        var read = 0
        while read < byteCount {
            let result = iovas.withUnsafeMutableBytes { bytes in
                let rest = UnsafeMutableRawBufferPointer(rebasing: bytes[read...])
                return systemCall { pread(list, rest.baseAddress, rest.count, off_t(read)) }
            }
            guard case .success(let part) = result, part > 0 else {
                throw DMAError(.system, .protocolError, "the received list of IOVAs cannot be read")
            }
            read += part
        }
        return iovas
    }

    // MARK: Attaching

    /// Maps a received region and adds it to the table, at an address that the system chooses; `rte_extmem_attach`.
    ///
    /// From then on, the sender cannot unregister it, until ``detach(_:)`` or the end of this process. If the file must
    /// not be written, the region is mapped for reading, and operations that write to it end with a status.
    ///
    /// - Throws: `ENOTSUP` for a dma-buf that cannot be mapped, `ENOENT` when the sender has unregistered the region,
    ///   `EINVAL` when the received region is already attached, `ENOSPC` when the table is full, `ENOMEM`, `EMFILE`. After
    ///   an error other than the first two, it can be tried again.
    @discardableResult
    public func attach(_ received: ReceivedRegion) throws(DMAError) -> MemoryRegion {
        var traced = dmatrace_memory(0, received.byteCount, received.pageSize)
        traced.fd = received.descriptor.raw
        traced.set(received.file)
        return try failedCalls.tracing("extmem_attach", of: -1) { ret in
            dmatrace_dmadev_extmem_attach(&traced, received.iovas, UInt32(clamping: received.iovas.count), ret)
        } _: { () throws(DMAError) in
            try received.beginUse()
            do throws(DMAError) {
                let region = try add(try Self.attached(received))
                (traced.region, traced.address) = (region.number, region.address)
                return region
            } catch {
                received.cancelUse()
                throw error
            }
        }
    }

    private static func attached(_ received: ReceivedRegion) throws(DMAError) -> MemoryRegion {
        let mapping: SharedMapping
        let duplicate: OwnedDescriptor
        do throws(Errno) {
            mapping = try map(received)
            let raw = received.descriptor.raw
            duplicate = OwnedDescriptor(adopting: try tryingSystemCall { fcntl(raw, F_DUPFD_CLOEXEC, 0) })
        } catch .noMemory {
            throw DMAError(.exhausted, .noMemory, "no \(received.byteCount) bytes of addresses are free")
        } catch {
            guard received.file.kind == .dmaBuffer, error != .tooManyOpenFiles else {
                throw DMAError(.system, error, "the received region cannot be mapped: \(error)")
            }
            throw DMAError(
                .notSupported, .notSupported,
                "dma-bufs of the exporter '\(received.file.exporter)' cannot be mapped by a process: \(error)")
        }
        let shape = MemoryShape(
            address: UInt64(UInt(bitPattern: mapping.bytes.baseAddress)), byteCount: received.byteCount,
            iovas: received.iovas, pageSize: received.pageSize)
        return MemoryRegion(
            shape, received.file, descriptor: duplicate.release(),
            attachment: MemoryAttachment(mapping: mapping, received: received))
    }

    private static func map(_ received: ReceivedRegion) throws(Errno) -> SharedMapping {
        guard let byteCount = Int(exactly: received.byteCount), let offset = Int(exactly: received.file.offset),
            let alignment = Int(exactly: received.pageSize)
        else { throw .noMemory }
        func map(isWritable: Bool) throws(Errno) -> SharedMapping {
            try SharedMapping(
                of: received.descriptor.raw, offset: offset, byteCount: byteCount, isWritable: isWritable,
                alignment: alignment)
        }
        do throws(Errno) {
            return try map(isWritable: true)
        } catch  where error == .notPermitted || error == .permissionDenied {
            return try map(isWritable: false)
        }
    }

    /// Removes an attached region and unmaps it; `rte_extmem_detach`.
    ///
    /// - Throws: `EBUSY` while a device has mapped it or has a window over it, or another process has attached it from
    ///   here, with who it is; `ENOENT` when it is not attached any more; `EINVAL` for a region that was registered here.
    public func detach(_ region: MemoryRegion) throws(DMAError) {
        try failedCalls.tracing("extmem_detach", of: -1) { ret in
            dmatrace_dmadev_extmem_detach(region.number, region.address, region.byteCount, ret)
        } _: { () throws(DMAError) in
            guard region.isAttached else { throw .invalid("\(region) was registered here: unregister it") }
            let received = region.received
            try remove(region)
            // When it is unmapped: the sender may then reuse the memory.
            received?.endLease()
        }
    }
}

extension MemoryRegion {
    /// The values of the events.
    fileprivate var traced: dmatrace_memory {
        var traced = dmatrace_memory(address, byteCount, pageSize)
        traced.region = number
        if let file {
            traced.fd = lentDescriptor
            traced.set(file)
        }
        return traced
    }
}
