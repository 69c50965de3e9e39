internal import CDMADev
internal import DMADev
internal import LinuxSystem

/// Operations on dma-bufs: their accesses are found before they are made, begun together, and ended together before the
/// operations are published.
///
/// The descriptors are fetched a second time when the operations are executed. An application that changes them
/// meanwhile accesses its own memory without synchronization.
extension RingConsumer {
    typealias Buffers = EngineTable<DMABufferMap.Buffer>.Contents

    /// Executes up to a burst of operations and a chunk of bytes.
    ///
    /// - Returns: whether there was work.
    @inline(never)
    mutating func step(_ buffers: Buffers) -> Bool {
        let waiting = tail.loadAcquiring() &- next
        // The tail is read again below. Operations that are rung in between are left for the next step: their accesses
        // have not begun. More than the ring's size halts the ring there.
        most = waiting <= mask &+ 1 ? min(waiting, UInt64(Self.burst)) : 0
        defer { most = UInt64(Self.burst) }
        guard most != 0 else { return stepUnsynchronized() }
        guard begin(buffers, most) else {
            // One of them cannot be accessed: operation by operation.
            most = 1
            guard begin(buffers, most) else {
                noteStepTime()
                fail()
                return true
            }
            defer { end(buffers) }
            return stepUnsynchronized()
        }
        defer { end(buffers) }
        return stepUnsynchronized()
    }

    /// Continues the started operation for one chunk; for a detached ring.
    ///
    /// - Returns: whether it has bytes left.
    mutating func finishPart(_ buffers: Buffers) -> Bool {
        guard begin(buffers, 1) else {
            fail()
            return false
        }
        defer { end(buffers) }
        return finishPartUnsynchronized()
    }

    /// Begins the accesses of the next operations, or none of them.
    ///
    /// - Returns: whether they have begun; if not, ``accesses`` has the one that failed.
    private mutating func begin(_ buffers: Buffers, _ count: UInt64) -> Bool {
        accesses.removeAll(keepingCapacity: true)
        accesses.append(contentsOf: repeatElement([], count: buffers.count))
        accessed = buffers
        for offset in 0..<count { note(next &+ offset, buffers) }
        for index in 0..<buffers.count where !accesses[index].isEmpty {
            let buffer = buffers.elements[index]
            guard !buffer.calls._withUnsafeGuaranteedRef({ $0.begin(accesses[index].rawValue, buffer.descriptor) })
            else { continue }
            let failed = accesses[index]
            for later in index..<buffers.count { accesses[later] = [] }
            end(buffers)
            accesses[index] = failed
            return false
        }
        return true
    }

    /// Ends the accesses that have begun, if there are any.
    mutating func end(_ buffers: Buffers) {
        accessed = nil
        for index in 0..<buffers.count where !accesses[index].isEmpty {
            let buffer = buffers.elements[index]
            buffer.calls._withUnsafeGuaranteedRef { $0.end(accesses[index].rawValue, buffer.descriptor) }
            accesses[index] = []
        }
    }

    /// Ends the next operation: its memory cannot be accessed.
    private mutating func fail() {
        let isRead = accesses.contains { $0.contains(.read) }
        if running == nil { running = beginOperation() }
        finish(batchAbandoned ? .notAttempted : isRead ? .busReadError : .busWriteError)
        publish()
    }

    /// Notes what an operation accesses.
    private mutating func note(_ index: UInt64, _ buffers: Buffers) {
        let slot = Int(truncatingIfNeeded: index & mask)
        let descriptor = dmadev_fetch_descriptor(descriptors + slot)
        let length = UInt64(descriptor.length)
        switch Int32(descriptor.kind) {
        case DMADEV_KIND_COPY:
            note(.read, descriptor.src, length, spaces.source, buffers)
            note(.write, descriptor.dst, length, spaces.destination, buffers)
        case DMADEV_KIND_FILL: note(.write, descriptor.dst, length, spaces.destination, buffers)
        case DMADEV_KIND_COPY_SG:
            let region = entries + slot * 2 * maximumEntries
            for number in 0..<min(Int(descriptor.nb_src), maximumEntries) {
                let entry = dmadev_fetch_sge(region + number)
                note(.read, entry.addr, UInt64(entry.length), spaces.source, buffers)
            }
            for number in 0..<min(Int(descriptor.nb_dst), maximumEntries) {
                let entry = dmadev_fetch_sge(region + maximumEntries + number)
                note(.write, entry.addr, UInt64(entry.length), spaces.destination, buffers)
            }
        default: break
        }
    }

    private mutating func note(
        _ access: DMABuffer.Access, _ address: UInt64, _ length: UInt64, _ space: AddressTranslation,
        _ buffers: Buffers
    ) {
        guard space.admits(address, length) else { return }
        var (address, length) = (address, length)
        while length > 0, let part = space.resolve(address, length), part.byteCount > 0 {
            note(access, part.address, part.byteCount, buffers)
            address &+= part.byteCount
            length &-= part.byteCount
        }
    }

    private mutating func note(
        _ access: DMABuffer.Access, _ address: UInt64, _ byteCount: UInt64, _ buffers: Buffers
    ) {
        // The first buffer that ends behind the address.
        var (low, high) = (0, buffers.count)
        while low < high {
            let middle = (low + high) / 2
            let buffer = buffers.elements[middle]
            if buffer.address &+ buffer.byteCount <= address { low = middle + 1 } else { high = middle }
        }
        while low < buffers.count, buffers.elements[low].address < address &+ byteCount {
            accesses[low].insert(access)
            low += 1
        }
    }
}
