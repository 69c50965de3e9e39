import CommandSupport
import DMADev
import Glibc
import LinuxSystem
import Logging
import SystemPackage

/// Keeps one device busy with copies at a constant rate, over all of its channels, and checks the copied bytes.
///
/// A thread wakes 50 times a second (less often for low rates), enqueues the copies that are due in bursts, and waits
/// for them.
final class CopyWorkload: Sendable {
    private let end: WorkloadEnd
    private let thread: SystemThread
    private let memory = WorkloadMemory()

    init(_ device: DMADevice, copiesPerSecond: Int, _ logger: Logger) throws(Failure) {
        do throws(Errno) {
            let end = try WorkloadEnd()
            self.end = end
            let memory = memory
            thread = try SystemThread.start(name: "work-\(device.name)") {
                do throws(DMAError) {
                    try CopyWorkloadLoop(device, memory, copiesPerSecond: copiesPerSecond, end, logger).run()
                } catch {
                    logger.error("a workload has stopped", metadata: ["device": "\(device.name)", "error": "\(error)"])
                }
            }
        } catch {
            throw Failure("cannot start the workload of device \(device.name): \(error): try --workload none")
        }
    }

    /// Ends the thread, even while it waits for a device that completes nothing. After the return it no longer uses the
    /// device, whose last copies may still run: the object must exist until the device has stopped.
    func stop() {
        end.signal.signal()
        thread.join()
    }
}

/// Why the thread stops.
private enum Interruption: Error {
    case ended
    case rejected(OperationError)
}

/// What the copies read and write.
private final class WorkloadMemory: @unchecked Sendable {
    // Used by the workload's thread and its device.
    let source, destination: UnsafeMutableRawPointer

    /// Sizes of the copies in a burst: mostly small ones, and one large one with most of the bytes.
    static let sizes = [64, 256, 1024, 64, 4096, 512, 64, 16384, 1500, 65536]
    private static let byteCount = sizes.reduce(0, +)

    init() {
        source = .allocate(byteCount: Self.byteCount, alignment: 64)
        destination = .allocate(byteCount: Self.byteCount, alignment: 64)
        memset(destination, 0, Self.byteCount)
    }

    deinit {
        source.deallocate()
        destination.deallocate()
    }
}

/// The request that a workload end.
private final class WorkloadEnd: Sendable {
    let signal: EventDescriptor

    init() throws(Errno) {
        signal = try EventDescriptor()
    }

    /// Waits until the end is requested or the deadline has passed; returns `true` if the end was requested.
    func wait(until deadline: MonotonicTime) -> Bool {
        var entry = pollfd(fd: signal.raw, events: Int16(POLLIN), revents: 0)
        if case .success(let count) = systemCall({ poll(&entry, 1, deadline.millisecondsLeft) }) { return count > 0 }
        return true
    }
}

/// The thread's state. Only the thread uses it.
private final class CopyWorkloadLoop {
    private let device: DMADevice
    private let logger: Logger
    private let vchans: [VirtualChannel]
    private let copiesPerRound: Int
    private let period: Duration
    private let memory: WorkloadMemory
    private let end: WorkloadEnd
    private let pause = Pause()
    private var bursts = 0
    private var limiter = LogRateLimiter()

    init(
        _ device: DMADevice, _ memory: WorkloadMemory, copiesPerSecond: Int, _ end: WorkloadEnd, _ logger: Logger
    ) throws(DMAError) {
        self.device = device
        self.memory = memory
        self.end = end
        self.logger = logger
        var vchans: [VirtualChannel] = []
        for vchan in 0..<(try device.info).virtualChannelCount { vchans.append(try device.virtualChannel(vchan)) }
        self.vchans = vchans
        copiesPerRound = min(max(1, copiesPerSecond / 50), copiesPerSecond)
        period = .seconds(1) * copiesPerRound / copiesPerSecond
    }

    func run() {
        var next = MonotonicTime.now
        do throws(Interruption) {
            repeat {
                next = next.advanced(by: period)
                // After a suspension of the machine, missed copies are not caught up.
                if next < .now { next = .now }
                try doRound()
            } while !end.wait(until: next)
        } catch {
            guard case .rejected(let error) = error else { return }
            logger.error("a workload has stopped", metadata: ["device": "\(device.name)", "error": "\(error)"])
        }
    }

    private func doRound() throws(Interruption) {
        var left = copiesPerRound
        while left > 0 {
            let vchan = vchans[bursts % vchans.count]
            // A burst must fit in the ring, which may be small. Low rates have bursts of one copy and use the sizes in
            // turn.
            let count = min(
                left, WorkloadMemory.sizes.count,
                max(1, try calling { () throws(OperationError) in try vchan.burstCapacity }))
            try burst(count, firstSize: count == 1 ? bursts : 0, on: vchan)
            left -= count
            bursts += 1
        }
    }

    /// Copies `count` adjacent areas with one doorbell and compares the bytes.
    private func burst(_ count: Int, firstSize: Int, on vchan: VirtualChannel) throws(Interruption) {
        let sizes = (0..<count).map { WorkloadMemory.sizes[(firstSize + $0) % WorkloadMemory.sizes.count] }
        let total = sizes.reduce(0, +)
        memset(memory.source, CInt(bursts & 0xFF), total)
        try calling { () throws(OperationError) in
            var offset = 0
            for size in sizes {
                try vchan.copy(
                    from: UInt64(UInt(bitPattern: memory.source + offset)),
                    to: UInt64(UInt(bitPattern: memory.destination + offset)), length: UInt32(size))
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
        if memcmp(memory.source, memory.destination, total) != 0 {
            logError("a copy has wrong bytes", on: vchan)
        }
    }

    /// Polls the rest of a burst in which a copy has failed.
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
                logError("a copy has failed", on: vchan, ["status": "\(status)"])
            }
            left -= now.count
        }
    }

    /// Waits a short time for the device. Throws if the end is requested, because a device may never complete its
    /// operations.
    private func rest() throws(Interruption) {
        if end.wait(until: .now) { throw .ended }
        pause.rest()
    }

    private func calling<Result>(_ body: () throws(OperationError) -> Result) throws(Interruption) -> Result {
        do throws(OperationError) { return try body() } catch { throw .rejected(error) }
    }

    /// Logs at a limited rate, because a faulty device may fail every copy.
    private func logError(_ message: Logger.Message, on vchan: VirtualChannel, _ more: Logger.Metadata = [:]) {
        guard let suppressed = limiter.admit() else { return }
        let place: Logger.Metadata = [
            "device": "\(device.name)", "vchan": "\(vchan.index)", "suppressed": "\(suppressed)",
        ]
        logger.error(message, metadata: place.merging(more) { $1 })
    }
}
