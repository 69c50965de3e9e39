import DMADev
import Glibc
import LinuxSystem

/// Measures one combination: this thread drives all channels in turn.
final class BenchRun {
    private let device: DMADevice
    private let point: BenchPoint
    private let termination: Termination
    private let lanes: [BenchLane]
    private var idleRounds = 0
    private var nextLook = MonotonicTime.now
    private var hasProgress = true
    private var lastProgress = MonotonicTime.now

    /// More than any operation takes.
    private static let longestSilence = Duration.seconds(20)

    /// - Parameter depth: bursts that may be in flight on a channel.
    init(
        _ device: DMADevice, _ point: BenchPoint, depth: Int, touches: Bool, _ termination: Termination
    ) throws(Failure) {
        let wanted = UInt16(clamping: max(1024, point.burst * depth))
        let descriptorCount = try device.refusing("--device or --vchans") { () throws(DMAError) in
            try device.start(vchanCount: UInt16(point.vchanCount), descriptorCount: wanted)
        }
        guard point.burst <= descriptorCount else {
            throw Failure("a ring of the device has \(descriptorCount) descriptors: use a smaller --burst")
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

    /// Keeps the device busy for a time, between two operations whose bytes are checked.
    ///
    /// Whatever the end, the device is stopped: it touches the memory no more.
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
            let reason = hasHalted ? "has halted" : "refuses an operation"
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
        let parts = lanes.compactMap { device.counters(of: $0.vchan.index)?.latency }
        return parts.count == lanes.count ? .total(of: parts) : nil
    }

    /// Bursts until the time is over, then waits for those in flight.
    private func keepBusy(until deadline: MonotonicTime) throws {
        var round = 0
        while true {
            var progress = 0
            for lane in lanes { progress += try lane.advance() }
            rest(progress)
            round &+= 1
            // The clock costs as much as a small operation.
            guard progress == 0 || round & 63 == 0 else { continue }
            let now = MonotonicTime.now
            try look(now)
            if now >= deadline { break }
        }
        while lanes.contains(where: { $0.inFlight > 0 }) { try poll() }
    }

    /// One operation whose bytes are compared. When it fails, that is an error of the device like others.
    private func check(_ lane: BenchLane, seed: UInt64) throws {
        let failed = lane.errors
        try lane.enqueueChecked(seed: seed)
        while lane.inFlight > 0 { try poll() }
        guard lane.errors > failed || lane.checkedBytesAreRight else {
            throw Failure(
                "\(point.operation.rawValue) of \(point.size) bytes: the bytes that have arrived are wrong: "
                    + "the device is faulty", status: .different)
        }
    }

    private func poll() throws {
        var progress = 0
        for lane in lanes { progress += try lane.poll() }
        rest(progress)
        if progress == 0 { try look(.now) }
    }

    /// Spins a little before it lets others have the processor, of whom the engine may be one. It never sleeps: that
    /// would be measured.
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

    /// Looks a hundred times a second for a signal, and whether the device still works.
    private func look(_ now: MonotonicTime) throws(Failure) {
        guard now >= nextLook else { return }
        nextLook = now.advanced(by: .milliseconds(10))
        if let status = termination.poll() { throw Failure("given up at a signal", status: status) }
        if hasProgress {
            hasProgress = false
            lastProgress = now
        } else if hasHalted {
            throw Failure("the device has halted: try another --device")
        } else if now > lastProgress.advanced(by: Self.longestSilence) {
            throw Failure(
                "no operation has finished for \(Self.longestSilence.components.seconds) s: try another --device")
        }
    }
}
