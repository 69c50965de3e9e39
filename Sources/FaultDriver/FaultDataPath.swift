internal import CDMADev
internal import DMADev
internal import DMAEngine
internal import Glibc
internal import LinuxSystem
internal import Synchronization

/// The functions between the call layer and a fault device's rings, and the array that they find the rings in.
///
/// They touch raw memory only. On a halted device they return `-EIO`; only polls hand out first what was finished before.
final class FaultDataPath: @unchecked Sendable {
    // The array never changes; what it points to is for the one thread that uses a channel.
    private let ports: UnsafeMutablePointer<FaultPort>
    private let count: Int

    init(_ channels: [FaultChannel], halted: UnsafeMutablePointer<UInt32>) {
        count = channels.count
        ports = .allocateOnOwnCacheLines(capacity: max(count, 1))
        for (index, channel) in channels.enumerated() {
            (ports + index).initialize(to: FaultPort(producer: channel.producer, halted: halted))
        }
    }

    deinit {
        ports.deinitialize(count: count)
        ports.deallocate()
    }

    /// Fills in what the capabilities promise and the mode leaves.
    func fill(_ path: inout dmadev_data_path, _ capabilities: Capabilities, _ mode: ConfigurationFlags) {
        path.driver = UnsafeMutableRawPointer(ports)
        path.burst_capacity = { driver, vchan in
            let port = port(driver, vchan)
            return port.pointee.isHalted ? -EIO : port.pointee.producer.burstCapacity()
        }
        path.rung = { driver, vchan, rung in
            rung.pointee = port(driver, vchan).pointee.producer.rungSoFar
            return 0
        }
        if mode.contains(.enqueueDequeue) {
            fillOperations(&path)
            if !mode.contains(.silent) { fillDequeue(&path) }
        } else {
            fillEnqueue(&path, capabilities)
            if !mode.contains(.silent) { fillPoll(&path) }
        }
    }

    private func fillOperations(_ path: inout dmadev_data_path) {
        path.enqueue_ops = { driver, vchan, operations, count in
            let port = port(driver, vchan)
            return port.pointee.isHalted ? -EIO : port.pointee.producer.enqueue(operations, count: count)
        }
    }

    // In polls the word is read before the ring: what was finished when the device was halted is not missed.
    private func fillDequeue(_ path: inout dmadev_data_path) {
        path.dequeue_ops = { driver, vchan, operations, count in
            let port = port(driver, vchan)
            let isHalted = port.pointee.isHalted
            let result = port.pointee.producer.dequeue(into: operations, count: count)
            return isHalted && result == 0 ? -EIO : result
        }
    }

    private func fillEnqueue(_ path: inout dmadev_data_path, _ capabilities: Capabilities) {
        if capabilities.contains(.copy) {
            path.copy = { driver, vchan, source, destination, length, flags in
                let port = port(driver, vchan)
                guard !port.pointee.isHalted else { return -EIO }
                return port.pointee.producer.enqueueCopy(from: source, to: destination, length: length, flags: flags)
            }
        }
        if capabilities.contains(.copyScatterGather) {
            path.copy_sg = { driver, vchan, sources, destinations, sourceCount, destinationCount, flags in
                let port = port(driver, vchan)
                guard !port.pointee.isHalted else { return -EIO }
                return port.pointee.producer.enqueueCopy(
                    from: UnsafeBufferPointer(start: sources, count: Int(sourceCount)),
                    to: UnsafeBufferPointer(start: destinations, count: Int(destinationCount)), flags: flags)
            }
        }
        if capabilities.contains(.fill) {
            path.fill = { driver, vchan, pattern, destination, length, flags in
                let port = port(driver, vchan)
                guard !port.pointee.isHalted else { return -EIO }
                return port.pointee.producer.enqueueFill(
                    pattern: pattern, to: destination, length: length, flags: flags)
            }
        }
        path.submit = { driver, vchan in
            let port = port(driver, vchan)
            guard !port.pointee.isHalted else { return -EIO }
            port.pointee.producer.submit()
            return 0
        }
    }

    private func fillPoll(_ path: inout dmadev_data_path) {
        path.completed = { driver, vchan, count, lastIndex, hasError in
            let port = port(driver, vchan)
            let isHalted = port.pointee.isHalted
            let result = port.pointee.producer.completed(upTo: count, lastIndex: lastIndex, hasError: hasError)
            return isHalted && result == 0 && !hasError.pointee ? -EIO : result
        }
        path.completed_status = { driver, vchan, count, lastIndex, status in
            let port = port(driver, vchan)
            let isHalted = port.pointee.isHalted
            let result = port.pointee.producer.completedStatus(into: status, count: count, lastIndex: lastIndex)
            return isHalted && result == 0 ? -EIO : result
        }
    }
}

/// A channel, for its data calls.
private struct FaultPort {
    let producer: RingProducer
    let halted: UnsafeMutablePointer<UInt32>

    var isHalted: Bool { halted.atomic.pointee.load(ordering: .acquiring) != 0 }
}

@inline(__always)
private func port(_ driver: UnsafeMutableRawPointer?, _ vchan: UInt16) -> UnsafeMutablePointer<FaultPort> {
    // The array was given with the functions: it is there.
    driver.unsafelyUnwrapped.assumingMemoryBound(to: FaultPort.self) + Int(vchan)
}
