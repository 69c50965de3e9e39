/// What a trace says of one channel.
public struct ChannelReport: Sendable {
    /// An operation that took long.
    public struct SlowOperation: Sendable {
        /// Its number since the start of the device; the low 16 bits are its ring index.
        public let number: UInt64
        /// The operation.
        public let operation: TracedOperation
        /// ``TracedOperation/total``.
        public let total: Int64
    }

    /// `PROGRAM (PID)`.
    public let process: String
    /// The number of the process; -1 if unknown.
    public let processID: Int
    /// The device's number.
    public let device: Int
    /// The device's name, if the trace has its creation.
    public let deviceName: String?
    /// The name of its driver, if the trace has its creation.
    public let driver: String?
    /// The channel's number.
    public let vchan: Int
    /// Operations with a doorbell.
    public private(set) var submitted: UInt64 = 0
    /// Operations with an end; if the trace has no ends, with a poll.
    public private(set) var completed: UInt64 = 0
    /// Bytes of the successful operations, as far as the trace has their size.
    public private(set) var bytes: UInt64 = 0
    /// Completed operations by status.
    public var statuses: [UInt16: UInt64] {
        successful > 0 ? failures.merging([0: successful], uniquingKeysWith: +) : failures
    }
    private var successful: UInt64 = 0
    private var failures: [UInt16: UInt64] = [:]
    /// Operations by kind: 1 copy, 2 copy_sg, 3 fill, 0 unknown.
    public var kinds: [UInt8: UInt64] {
        Dictionary(uniqueKeysWithValues: (0...UInt8.max).map { ($0, kindCounts[Int($0)]) }.filter { $0.1 > 0 })
    }
    private var kindCounts = [UInt64](repeating: 0, count: 256)
    /// Operations with the fence flag.
    public private(set) var fences: UInt64 = 0
    /// Doorbells that rang operations.
    public private(set) var doorbells: UInt64 = 0
    /// The most operations of one doorbell.
    public private(set) var largestBatch: UInt64 = 0
    private var batch: UInt64 = 0
    /// Enqueues that a full ring refused.
    public internal(set) var rejected: UInt64 = 0
    /// Starts of the device.
    public internal(set) var rings: UInt64 = 0
    /// Times from doorbell to start.
    public private(set) var queueing = LatencyHistogram()
    /// Times from start to end.
    public private(set) var execution = LatencyHistogram()
    /// Times from end to poll.
    public private(set) var notice = LatencyHistogram()
    /// Times from doorbell to poll; to the end, if the trace has no polls.
    public private(set) var total = LatencyHistogram()
    /// The same times, and when the operations ended.
    public private(set) var latencies = LatencyMap()
    /// The slowest, the slowest first. At most ``mostSlow``.
    public private(set) var slowest: [SlowOperation] = []
    /// What an operation has to exceed to be one of them.
    private var slowLimit: Int64 = -1
    /// Operations in the ring, at doorbells.
    public private(set) var occupancy = Timeline()
    /// When the first doorbell rang, and when the last operation ended.
    public var times: ClosedRange<Int64>? { firstTime <= lastTime ? firstTime...lastTime : nil }
    private var firstTime = Int64.max
    private var lastTime = Int64.min

    /// The most slow operations that are kept.
    public static let mostSlow = 10

    init(_ channel: TracedChannel, _ processes: TraceProcesses) {
        process = processes.label(channel.process, processID: channel.processID)
        processID = channel.processID
        device = channel.device
        deviceName = channel.deviceName
        driver = channel.driver
        vchan = channel.vchan
    }

    /// Seconds from the first doorbell to the last end; 0 if unknown.
    public var seconds: Double { times.map { Double($0.upperBound - $0.lowerBound) / 1e9 } ?? 0 }

    mutating func addDoorbell(of count: UInt64, isFirst: Bool, at time: Int64, occupancy used: UInt64) {
        batch = isFirst ? count : batch + count
        if isFirst { doorbells += 1 }
        largestBatch = max(largestBatch, batch)
        occupancy.add(used, at: time)
    }

    /// Adds `count` operations with consecutive numbers about which the trace says the same.
    mutating func add(_ operation: TracedOperation, _ number: UInt64, count: UInt64) {
        let parts = operation.parts
        guard !parts.isDisjoint(with: [.called, .rung, .started, .finished]) else { return }
        if parts.contains(.rung) {
            submitted += count
            extend(to: operation.rungTime)
        }
        kindCounts[Int(operation.kind)] += count
        if parts.contains(.fence) { fences += count }
        if !parts.isDisjoint(with: [.finished, .noticed]) {
            completed += count
            if operation.status == 0 {
                successful += count
                bytes &+= operation.bytes &* count
            } else {
                failures[operation.status, default: 0] += count
            }
            extend(to: parts.contains(.finished) ? operation.finishTime : operation.noticeTime)
        }
        if let time = operation.queueing { queueing.add(UInt64(time), times: count) }
        if let time = operation.execution { execution.add(UInt64(time), times: count) }
        if let time = operation.notice { notice.add(UInt64(time), times: count) }
        guard let time = operation.total else { return }
        total.add(UInt64(time), times: count)
        latencies.add(
            UInt64(time), at: parts.contains(.finished) ? operation.finishTime : operation.noticeTime, times: count)
        for number in number..<number + count where time > slowLimit {
            addSlow(SlowOperation(number: number, operation: operation, total: time))
        }
    }

    private mutating func addSlow(_ operation: SlowOperation) {
        let place = slowest.firstIndex { $0.total < operation.total } ?? slowest.count
        slowest.insert(operation, at: place)
        if slowest.count > Self.mostSlow { slowest.removeLast() }
        if slowest.count == Self.mostSlow { slowLimit = slowest[Self.mostSlow - 1].total }
    }

    private mutating func extend(to time: Int64) {
        firstTime = min(firstTime, time)
        lastTime = max(lastTime, time)
    }
}
