internal import CDMADev
internal import DMADev
internal import Glibc
internal import LinuxSystem

/// The functions between the call layer and a device's rings, and the array of rings that is their first argument. The
/// call layer has checked the channel's number. They access raw memory only.
final class RingDataPath: @unchecked Sendable {
    // The array never changes; the memory behind it is used by the one thread that uses the channel.
    private let producers: UnsafeMutablePointer<RingProducer>
    private let pollWords: UnsafeMutablePointer<dmadev_poll_words>
    private let count: Int

    init(_ rings: [ApplicationRing]) {
        count = rings.count
        producers = .allocateOnOwnCacheLines(capacity: max(count, 1))
        pollWords = .allocateOnOwnCacheLines(capacity: max(count, 1))
        for (index, ring) in rings.enumerated() {
            (producers + index).initialize(to: ring.producer)
            (pollWords + index).initialize(to: ring.producer.pollWords)
        }
    }

    deinit {
        producers.deallocate()
        pollWords.deallocate()
    }

    /// Sets the functions that capabilities and mode allow: no polls in silent mode, only structures in enqueue/dequeue
    /// mode.
    ///
    /// - Parameter canHalt: whether the engine can end before the rings, so that each call checks it.
    func fill(
        _ path: inout dmadev_data_path, _ capabilities: Capabilities, _ mode: ConfigurationFlags, canHalt: Bool
    ) {
        path.driver = UnsafeMutableRawPointer(producers)
        path.burst_capacity = { ring($0, $1).burstCapacity() }
        path.rung = { driver, vchan, rung in
            rung.pointee = ring(driver, vchan).rungSoFar
            return 0
        }
        let (enqueues, polls) = (!mode.contains(.enqueueDequeue), !mode.contains(.silent))
        if enqueues {
            if capabilities.contains(.copy) {
                path.copy = { ring($0, $1).enqueueCopy($2, $3, length: $4, flags: $5) }
                path.direct_copy = canHalt ? dmadev_ring_copy_unless_halted : dmadev_ring_copy
            }
            if capabilities.contains(.copyScatterGather) {
                path.copy_sg = { ring($0, $1).enqueueCopy($2, $3, $4, $5, flags: $6) }
            }
            if capabilities.contains(.fill) { path.fill = { ring($0, $1).enqueueFill($2, $3, length: $4, flags: $5) } }
            path.submit = { driver, vchan in
                ring(driver, vchan).submit()
                return 0
            }
            if polls {
                path.completed = { ring($0, $1).completed(upTo: $2, lastIndex: $3, hasError: $4) }
                path.completed_status = { ring($0, $1).completedStatus(into: $4, count: $2, lastIndex: $3) }
            }
            if polls, !canHalt {
                path.direct_completed = dmadev_ring_completed
                path.polls = dmadev_polls(
                    channels: pollWords, recorded: DataPath.recordsPolls, nb_channels: UInt32(count), reserved: 0)
            }
        } else {
            path.enqueue_ops = { ring($0, $1).enqueue($2, count: $3) }
            if polls { path.dequeue_ops = { ring($0, $1).dequeue(into: $2, count: $3) } }
        }
        if canHalt { guardAgainstHalt(&path, capabilities, enqueues: enqueues, polls: polls) }
    }

    /// The same functions, which return `-EIO` when the device is halted; polls first return earlier completions.
    private func guardAgainstHalt(
        _ path: inout dmadev_data_path, _ capabilities: Capabilities, enqueues: Bool, polls: Bool
    ) {
        path.burst_capacity = { ring($0, $1).isAlive ? ring($0, $1).burstCapacity() : -EIO }
        guard enqueues else {
            path.enqueue_ops = { ring($0, $1).isAlive ? ring($0, $1).enqueue($2, count: $3) : -EIO }
            if polls {
                path.dequeue_ops = { polled(ring($0, $1).dequeue(into: $2, count: $3), of: ring($0, $1)) }
            }
            return
        }
        if capabilities.contains(.copy) {
            path.copy = {
                ring($0, $1).isAlive ? ring($0, $1).enqueueCopy($2, $3, length: $4, flags: $5) : -EIO
            }
        }
        if capabilities.contains(.copyScatterGather) {
            path.copy_sg = { ring($0, $1).isAlive ? ring($0, $1).enqueueCopy($2, $3, $4, $5, flags: $6) : -EIO }
        }
        if capabilities.contains(.fill) {
            path.fill = { ring($0, $1).isAlive ? ring($0, $1).enqueueFill($2, $3, length: $4, flags: $5) : -EIO }
        }
        path.submit = { driver, vchan in
            guard ring(driver, vchan).isAlive else { return -EIO }
            ring(driver, vchan).submit()
            return 0
        }
        guard polls else { return }
        path.completed = {
            let result = ring($0, $1).completed(upTo: $2, lastIndex: $3, hasError: $4)
            return $4.pointee ? result : polled(result, of: ring($0, $1))
        }
        path.completed_status = {
            polled(ring($0, $1).completedStatus(into: $4, count: $2, lastIndex: $3), of: ring($0, $1))
        }
    }
}

// MARK: Direct calls, in the form that C callers have: see cdmadev.h

@c @implementation
func dmadev_ring_copy(
    _ path: UnsafeMutableRawPointer?, _ vchan: UInt16, _ src: UInt64, _ dst: UInt64, _ length: UInt32, _ flags: UInt64
) -> Int32 {
    copyDirectly(path, vchan, src, dst, length, flags, canHalt: false)
}

@c @implementation
func dmadev_ring_copy_unless_halted(
    _ path: UnsafeMutableRawPointer?, _ vchan: UInt16, _ src: UInt64, _ dst: UInt64, _ length: UInt32, _ flags: UInt64
) -> Int32 {
    copyDirectly(path, vchan, src, dst, length, flags, canHalt: true)
}

@inline(__always)
private func copyDirectly(
    _ path: UnsafeMutableRawPointer?, _ vchan: UInt16, _ source: UInt64, _ destination: UInt64, _ length: UInt32,
    _ flags: UInt64, canHalt: Bool
) -> Int32 {
    let table = table(path)
    let layer = DataPath(table)
    if layer.passes(copyOf: length, on: vchan) {
        let ring = ring(table.pointee.driver, vchan)
        let index = ring.enqueued
        if ring.hasRoom(at: index), !canHalt || ring.isAlive {
            // Without flags there is less to do.
            if flags == 0 { return ring.stageCopy(index, source, destination, length: length, 0) }
            if layer.passes(flagsOfCopy: flags), ring.accepts(flags) {
                return ring.stageCopy(index, source, destination, length: length, flags)
            }
        }
    }
    return dmadev_call_copy(path, vchan, source, destination, length, flags)
}

@c @implementation
func dmadev_ring_completed(
    _ path: UnsafeMutableRawPointer?, _ vchan: UInt16, _ nb_cpls: UInt16, _ last_idx: UnsafeMutablePointer<UInt16>,
    _ has_error: UnsafeMutablePointer<Bool>
) -> UInt16 {
    let table = table(path)
    guard DataPath(table).passesPolls(of: vchan) else {
        return dmadev_call_completed(path, vchan, nb_cpls, last_idx, has_error)
    }
    let found = ring(table.pointee.driver, vchan).completed(upTo: nb_cpls, lastIndex: last_idx, hasError: has_error)
    return UInt16(truncatingIfNeeded: found)
}

@inline(__always)
private func table(_ path: UnsafeMutableRawPointer?) -> UnsafeMutablePointer<dmadev_data_path> {
    // cdmadev.h: the first argument of these functions is a table.
    path.unsafelyUnwrapped.assumingMemoryBound(to: dmadev_data_path.self)
}

@inline(__always)
private func ring(_ driver: UnsafeMutableRawPointer?, _ vchan: UInt16) -> RingProducer {
    // The array is set together with the functions, so it is not null.
    driver.unsafelyUnwrapped.assumingMemoryBound(to: RingProducer.self)[Int(vchan)]
}

@inline(__always)
private func polled(_ count: Int32, of ring: RingProducer) -> Int32 {
    count == 0 && !ring.isAlive ? -EIO : count
}
