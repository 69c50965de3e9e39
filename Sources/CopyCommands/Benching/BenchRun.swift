import CommandSupport
import DMADev
import Glibc
import LinuxSystem

/// Measures one combination. The calling thread drives all channels in turn.
final class BenchRun {
    private let device: DMADevice
    private let point: BenchPoint
    private let termination: Termination
    private let lanes: [BenchLane]
    private var idleRounds = 0
    private var nextCheck = MonotonicTime.now
    private var hasProgress = true
    private var lastProgress = MonotonicTime.now

    /// Longer than any operation takes.
    private static let progressTimeout = Duration.seconds(20)

    /// - Parameter depth: the number of bursts that may be in flight on a channel.
    init(
        _ device: DMADevice, _ point: BenchPoint, depth: Int, touches: Bool, _ termination: Termination
    ) throws(Failure) {
        let wanted = UInt16(clamping: max(1024, point.burst * depth))
        let descriptorCount = try device.refusing("--device or --vchans") { () throws(DMAError) in
            try device.start(vchanCount: UInt16(point.vchanCount), descriptorCount: wanted)
        }
        guard point.burst <= descriptorCount else {
            throw Failure("a ring of the device has only \(descriptorCount) descriptors: use a smaller --burst")
        }
        var lanes: [BenchLane] = []
        for index in 0..<point.vchanCount {
            let vchan = try device.refusing("--vchans") { () throws(DMAError) in
                try device.virtualChannel(UInt16(index))
            }
            lanes.append(
                try BenchLane(vchan, point, depth: depth, descriptorCount: Int(descriptorCount), touches: touches))
        }
        self.device = device
        self.point = point
        self.termination = termination
        self.lanes = lanes
    }

    /// Keeps the device busy for the given time, between two operations whose bytes are checked.
    ///
    /// The device is stopped on every return path, so it no longer accesses the memory.
    func measure(seconds: Double) throws(Failure) -> BenchResult {
        defer { try? device.stop() }
        do {
            try check(lanes[0], seed: 1)
            let before = (latency: latency, completed: completed, errors: errors)
            let began = MonotonicTime.now
            try keepBusy(until: began.advanced(by: .seconds(seconds)))
            let end = MonotonicTime.now
            let operations = completed - before.completed
            let successes = operations - (errors - before.errors)
            let latency = before.latency.flatMap { before in self.latency?.since(before) }
            try check(lanes[lanes.count - 1], seed: 2)
            return BenchResult(
                point: point, seconds: Double(end.nanoseconds(since: began)) / 1e9, operations: operations,
                successes: successes, errors: errors, latency: latency)
        } catch let failure as Failure {
            throw failure
        } catch {
            let reason = hasHalted ? "has halted" : "rejected an operation"
            throw Failure("the device \(reason): \(error): try another --device")
        }
    }

    private var hasHalted: Bool {
        lanes.contains { (try? device.status(of: $0.vchan.index)) == .haltedError }
    }

    private var completed: Int { lanes.reduce(0) { $0 + $1.completed } }
    private var errors: Int { lanes.reduce(0) { $0 + $1.errors } }

    /// The histogram of all channels.
    private var latency: Latency? {
        let parts = lanes.compactMap { device.view.counters(of: $0.vchan.index)?.latency }
        return parts.count == lanes.count ? .total(of: parts) : nil
    }

    /// Enqueues bursts until the deadline, then waits for those in flight.
    private func keepBusy(until deadline: MonotonicTime) throws {
        var round = 0
        while true {
            var progress = 0
            for lane in lanes { progress += try lane.advance() }
            rest(progress)
            round &+= 1
            // Reading the clock costs as much as a small operation.
            guard progress == 0 || round & 63 == 0 else { continue }
            let now = MonotonicTime.now
            try checkState(now)
            if now >= deadline { break }
        }
        while lanes.contains(where: { $0.inFlight > 0 }) { try poll() }
    }

    /// Runs one operation and compares its bytes. If the operation fails, it counts as an error like any other.
    private func check(_ lane: BenchLane, seed: UInt64) throws {
        let failed = lane.errors
        try lane.enqueueChecked(seed: seed)
        while lane.inFlight > 0 { try poll() }
        guard lane.errors > failed || lane.checkedBytesAreRight else {
            throw Failure(
                "\(point.operation.rawValue) of \(point.size) bytes: the destination has wrong bytes: "
                    + "the device is faulty", status: .different)
        }
    }

    private func poll() throws {
        var progress = 0
        for lane in lanes { progress += try lane.poll() }
        rest(progress)
        if progress == 0 { try checkState(.now) }
    }

    /// Spins for a short time, then yields the processor, which the engine may need. It never sleeps, because the
    /// sleep would be measured.
    private func rest(_ progress: Int) {
        if progress > 0 {
            idleRounds = 0
            hasProgress = true
        } else if idleRounds < 200 {
            idleRounds += 1
        } else {
            sched_yield()
        }
    }

    /// Checks every 10 ms for a signal and for a device that makes no progress.
    private func checkState(_ now: MonotonicTime) throws(Failure) {
        guard now >= nextCheck else { return }
        nextCheck = now.advanced(by: .milliseconds(10))
        if let status = termination.poll() { throw Failure("interrupted by a signal", status: status) }
        if hasProgress {
            hasProgress = false
            lastProgress = now
        } else if hasHalted {
            throw Failure("the device has halted: try another --device")
        } else if now > lastProgress.advanced(by: Self.progressTimeout) {
            throw Failure(
                "no operation has completed for \(Self.progressTimeout.components.seconds) s: try another --device")
        }
    }
}
