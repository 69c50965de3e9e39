import DMADev
import Glibc
import LinuxSystem
import Logging
import SystemPackage

/// Keeps one device busy with copies at a steady pace, over all of its channels, and checks what arrives.
///
/// A thread of its own wakes fifty times a second (less often for low rates), enqueues the copies that are due in bursts,
/// and waits for them.
final class CopyWorkload: Sendable {
    private let end: WorkloadEnd
    private let thread: SystemThread

    init(_ device: DMADevice, copiesPerSecond: Int, _ logger: Logger) throws(Failure) {
        do throws(Errno) {
            let end = try WorkloadEnd()
            self.end = end
            thread = try SystemThread.start(name: "work-\(device.name)") {
                do throws(DMAError) {
                    try CopyWorkloadLoop(device, copiesPerSecond: copiesPerSecond, end, logger).run()
                } catch {
                    logger.error("a workload ends", metadata: ["device": "\(device.name)", "error": "\(error)"])
                }
            }
        } catch {
            throw Failure("cannot start the workload of device \(device.name): \(error): try --workload none")
        }
    }

    /// Ends the thread, also while it waits for a device that finishes nothing; when this returns, it uses the device no
    /// longer.
    func stop() {
        end.signal.signal()
        thread.join()
    }
}

/// Why the thread stops working.
private enum Interruption: Error {
    case ended
    case refused(OperationError)
}

/// Tells a workload to end.
private final class WorkloadEnd: Sendable {
    let signal: EventDescriptor

    init() throws(Errno) {
        signal = try EventDescriptor()
    }

    /// Waits until the end is wished for, or the time is over; says which.
    func wait(until deadline: MonotonicTime) -> Bool {
        var entry = pollfd(fd: signal.raw, events: Int16(POLLIN), revents: 0)
        if case .success(let count) = systemCall({ poll(&entry, 1, deadline.millisecondsLeft) }) { return count > 0 }
        return true
    }
}

/// What the thread does; only it has this.
private final class CopyWorkloadLoop {
    private let device: DMADevice
    private let logger: Logger
    private let vchans: [VirtualChannel]
    private let copiesPerRound: Int
    private let period: Duration
    private let source: UnsafeMutableRawPointer
    private let destination: UnsafeMutableRawPointer
    private let end: WorkloadEnd
    private let pause = Pause()
    private var bursts = 0
    private var limiter = LogRateLimiter()

    /// Sizes of the copies of a burst: mostly small ones, and one large one that carries the bytes.
    private static let sizes = [64, 256, 1024, 64, 4096, 512, 64, 16384, 1500, 65536]
    private static let bytes = sizes.reduce(0, +)

    init(_ device: DMADevice, copiesPerSecond: Int, _ end: WorkloadEnd, _ logger: Logger) throws(DMAError) {
        self.device = device
        self.end = end
        self.logger = logger
        var vchans: [VirtualChannel] = []
        for vchan in 0..<(try device.info).virtualChannelCount { vchans.append(try device.virtualChannel(vchan)) }
        self.vchans = vchans
        copiesPerRound = min(max(1, copiesPerSecond / 50), copiesPerSecond)
        period = .seconds(1) * copiesPerRound / copiesPerSecond
        source = .allocate(byteCount: Self.bytes, alignment: 64)
        destination = .allocate(byteCount: Self.bytes, alignment: 64)
        memset(destination, 0, Self.bytes)
    }

    deinit {
        source.deallocate()
        destination.deallocate()
    }

    func run() {
        var next = MonotonicTime.now
        do throws(Interruption) {
            repeat {
                next = next.advanced(by: period)
                // After a pause of the machine: no rush to catch up.
                if next < .now { next = .now }
                try doRound()
            } while !end.wait(until: next)
        } catch {
            guard case .refused(let error) = error else { return }
            logger.error("a workload ends", metadata: ["device": "\(device.name)", "error": "\(error)"])
        }
    }

    private func doRound() throws(Interruption) {
        var left = copiesPerRound
        while left > 0 {
            let vchan = vchans[bursts % vchans.count]
            // A burst that does not fill its ring: the device may be made with a tiny one. Low rates, which have bursts
            // of one, take the sizes in turn.
            let count = min(
                left, Self.sizes.count, max(1, try calling { () throws(OperationError) in try vchan.burstCapacity }))
            try burst(count, firstSize: count == 1 ? bursts : 0, on: vchan)
            left -= count
            bursts += 1
        }
    }

    /// Copies that many areas, one behind the other, with one doorbell, and compares what has arrived.
    private func burst(_ count: Int, firstSize: Int, on vchan: VirtualChannel) throws(Interruption) {
        let sizes = (0..<count).map { Self.sizes[(firstSize + $0) % Self.sizes.count] }
        let total = sizes.reduce(0, +)
        memset(source, CInt(bursts & 0xFF), total)
        try calling { () throws(OperationError) in
            var offset = 0
            for size in sizes {
                try vchan.copy(
                    from: UInt64(UInt(bitPattern: source + offset)),
                    to: UInt64(UInt(bitPattern: destination + offset)), length: UInt32(size))
                offset += size
            }
            try vchan.submit()
        }
        pause.reset()
        var done = 0
        while done < count {
            let now = try calling { () throws(OperationError) in try vchan.completed(upTo: UInt16(count - done)) }
            if now.hasError { return try dropFailed(count - done - now.count, on: vchan) }
            if now.count == 0 { try rest() }
            done += now.count
        }
        if memcmp(source, destination, total) != 0 {
            complain("wrong bytes have arrived", on: vchan)
        }
    }

    /// Takes what is left of a burst with a failure in it off the ring.
    private func dropFailed(_ count: Int, on vchan: VirtualChannel) throws(Interruption) {
        var left = count
        while left > 0 {
            var status = CompletionStatus.successful
            let now = try calling { () throws(OperationError) in
                try withUnsafeMutablePointer(to: &status) { (one) throws(OperationError) in
                    try vchan.completedStatus(into: UnsafeMutableBufferPointer(start: one, count: 1))
                }
            }
            if now.count == 0 { try rest() }
            if status != .successful {
                complain("a copy has failed", on: vchan, ["status": "\(status)"])
            }
            left -= now.count
        }
    }

    /// Waits a little for the device, unless the end is wished for: a device may never finish what it was given.
    private func rest() throws(Interruption) {
        if end.wait(until: .now) { throw .ended }
        pause.rest()
    }

    private func calling<Result>(_ body: () throws(OperationError) -> Result) throws(Interruption) -> Result {
        do throws(OperationError) { return try body() } catch { throw .refused(error) }
    }

    /// A device that fails every copy does not fill the log.
    private func complain(_ message: Logger.Message, on vchan: VirtualChannel, _ more: Logger.Metadata = [:]) {
        guard let suppressed = limiter.admit() else { return }
        let place: Logger.Metadata = [
            "device": "\(device.name)", "vchan": "\(vchan.index)", "suppressed": "\(suppressed)",
        ]
        logger.error(message, metadata: place.merging(more) { $1 })
    }
}
