internal import CDMADev
internal import DMADev
internal import DMAEngine
internal import Glibc
internal import LinuxSystem

/// The functions between the call layer and a device's rings, and the array that they find the rings in.
///
/// Their first argument is that array, by channel; the call layer has checked the channel's number. They touch raw memory
/// only. When the controller is gone they return `-EIO`; polls hand out first what was finished before.
final class ControllerDataPath: @unchecked Sendable {
    // The array never changes; what it points to is for the one thread that uses a channel, or atomic.
    private let ports: UnsafeMutablePointer<Port>
    private let count: Int

    struct Port {
        let liveness: UnsafeMutablePointer<UInt64>
        let producer: RingProducer

        @inline(__always)
        var isAlive: Bool { liveness.loadRelaxed() != 0 }
    }

    init(_ rings: [ControllerRing]) {
        count = rings.count
        ports = .allocate(capacity: max(count, 1))
        for (index, ring) in rings.enumerated() {
            (ports + index).initialize(to: Port(liveness: ring.liveness, producer: ring.producer))
        }
    }

    deinit {
        ports.deinitialize(count: count)
        ports.deallocate()
    }

    /// Fills in what the mode leaves: in silent mode nothing is polled, in enqueue/dequeue mode operations come and go as
    /// structures only.
    func fill(_ path: inout dmadev_data_path, _ capabilities: Capabilities, _ mode: ConfigurationFlags) {
        path.driver = UnsafeMutableRawPointer(ports)
        path.burst_capacity = { driver, vchan in
            let port = port(driver, vchan)
            return port.pointee.isAlive ? port.pointee.producer.burstCapacity() : -EIO
        }
        if mode.contains(.enqueueDequeue) {
            fillStructures(&path, mode)
        } else {
            fillEnqueue(&path, capabilities)
            if !mode.contains(.silent) { fillPoll(&path) }
        }
    }

    private func fillStructures(_ path: inout dmadev_data_path, _ mode: ConfigurationFlags) {
        path.enqueue_ops = { driver, vchan, operations, count in
            let port = port(driver, vchan)
            return port.pointee.isAlive ? port.pointee.producer.enqueue(operations, count: count) : -EIO
        }
        if mode.contains(.silent) { return }
        path.dequeue_ops = { driver, vchan, operations, count in
            let port = port(driver, vchan)
            let result = port.pointee.producer.dequeue(into: operations, count: count)
            return result == 0 && !port.pointee.isAlive ? -EIO : result
        }
    }

    private func fillEnqueue(_ path: inout dmadev_data_path, _ capabilities: Capabilities) {
        if capabilities.contains(.copy) {
            path.copy = { driver, vchan, source, destination, length, flags in
                let port = port(driver, vchan)
                guard port.pointee.isAlive else { return -EIO }
                return port.pointee.producer.enqueueCopy(
                    from: source, to: destination, length: length, flags: flags)
            }
        }
        if capabilities.contains(.copyScatterGather) {
            path.copy_sg = { driver, vchan, sources, destinations, sourceCount, destinationCount, flags in
                let port = port(driver, vchan)
                guard port.pointee.isAlive else { return -EIO }
                return port.pointee.producer.enqueueCopy(
                    from: UnsafeBufferPointer(start: sources, count: Int(sourceCount)),
                    to: UnsafeBufferPointer(start: destinations, count: Int(destinationCount)), flags: flags)
            }
        }
        if capabilities.contains(.fill) {
            path.fill = { driver, vchan, pattern, destination, length, flags in
                let port = port(driver, vchan)
                guard port.pointee.isAlive else { return -EIO }
                return port.pointee.producer.enqueueFill(
                    pattern: pattern, to: destination, length: length, flags: flags)
            }
        }
        path.submit = { driver, vchan in
            let port = port(driver, vchan)
            guard port.pointee.isAlive else { return -EIO }
            port.pointee.producer.submit()
            return 0
        }
    }

    private func fillPoll(_ path: inout dmadev_data_path) {
        path.completed = { driver, vchan, count, lastIndex, hasError in
            let port = port(driver, vchan)
            let result = port.pointee.producer.completed(upTo: count, lastIndex: lastIndex, hasError: hasError)
            return result == 0 && !port.pointee.isAlive && !hasError.pointee ? -EIO : result
        }
        path.completed_status = { driver, vchan, count, lastIndex, status in
            let port = port(driver, vchan)
            let result = port.pointee.producer.completedStatus(into: status, count: count, lastIndex: lastIndex)
            return result == 0 && !port.pointee.isAlive ? -EIO : result
        }
    }
}

@inline(__always)
private func port(
    _ driver: UnsafeMutableRawPointer?, _ vchan: UInt16
) -> UnsafeMutablePointer<ControllerDataPath.Port> {
    // The array was given with the functions: it is there.
    driver.unsafelyUnwrapped.assumingMemoryBound(to: ControllerDataPath.Port.self) + Int(vchan)
}
