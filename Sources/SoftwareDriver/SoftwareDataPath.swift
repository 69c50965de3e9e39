internal import CDMADev
internal import DMADev
internal import DMAEngine
internal import LinuxSystem

/// The functions between the call layer and a software device's rings, and the array that they find the rings in.
///
/// Their first argument is that array: the application side of each ring, by channel; the call layer has checked the
/// channel's number. They touch raw memory only.
final class SoftwareDataPath: @unchecked Sendable {
    // The array never changes; what it points to is for the one thread that uses a channel.
    private let producers: UnsafeMutablePointer<RingProducer>

    init(_ rings: [DescriptorRing]) {
        producers = .allocateOnOwnCacheLines(capacity: max(rings.count, 1))
        for (index, ring) in rings.enumerated() { (producers + index).initialize(to: ring.producer) }
    }

    deinit {
        producers.deallocate()
    }

    /// Fills in what the capabilities promise and the mode leaves: in silent mode nothing is polled, in enqueue/dequeue
    /// mode operations come and go as structures only.
    func fill(_ path: inout dmadev_data_path, _ capabilities: Capabilities, _ mode: ConfigurationFlags) {
        path.driver = UnsafeMutableRawPointer(producers)
        path.burst_capacity = { driver, vchan in
            ring(driver, vchan).burstCapacity()
        }
        path.rung = { driver, vchan, rung in
            rung.pointee = ring(driver, vchan).rungSoFar
            return 0
        }
        if mode.contains(.enqueueDequeue) {
            path.enqueue_ops = { driver, vchan, operations, count in
                ring(driver, vchan).enqueue(operations, count: count)
            }
            if !mode.contains(.silent) {
                path.dequeue_ops = { driver, vchan, operations, count in
                    ring(driver, vchan).dequeue(into: operations, count: count)
                }
            }
        } else {
            fillEnqueue(&path, capabilities)
            if !mode.contains(.silent) { fillPoll(&path) }
        }
    }

    private func fillEnqueue(_ path: inout dmadev_data_path, _ capabilities: Capabilities) {
        if capabilities.contains(.copy) {
            path.copy = { driver, vchan, source, destination, length, flags in
                ring(driver, vchan).enqueueCopy(from: source, to: destination, length: length, flags: flags)
            }
        }
        if capabilities.contains(.copyScatterGather) {
            path.copy_sg = { driver, vchan, sources, destinations, sourceCount, destinationCount, flags in
                ring(driver, vchan).enqueueCopy(
                    from: UnsafeBufferPointer(start: sources, count: Int(sourceCount)),
                    to: UnsafeBufferPointer(start: destinations, count: Int(destinationCount)), flags: flags)
            }
        }
        if capabilities.contains(.fill) {
            path.fill = { driver, vchan, pattern, destination, length, flags in
                ring(driver, vchan).enqueueFill(
                    pattern: pattern, to: destination, length: length, flags: flags)
            }
        }
        path.submit = { driver, vchan in
            ring(driver, vchan).submit()
            return 0
        }
    }

    private func fillPoll(_ path: inout dmadev_data_path) {
        path.completed = { driver, vchan, count, lastIndex, hasError in
            ring(driver, vchan).completed(upTo: count, lastIndex: lastIndex, hasError: hasError)
        }
        path.completed_status = { driver, vchan, count, lastIndex, status in
            ring(driver, vchan).completedStatus(into: status, count: count, lastIndex: lastIndex)
        }
    }
}

@inline(__always)
private func ring(_ driver: UnsafeMutableRawPointer?, _ vchan: UInt16) -> RingProducer {
    // The array was given with the functions: it is there.
    driver.unsafelyUnwrapped.assumingMemoryBound(to: RingProducer.self)[Int(vchan)]
}
