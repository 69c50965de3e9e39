import CDMADev
import ControllerDriver
import DMADev
import LinuxSystem
import TestSupport

/// Random operations on two channels of a device: every kind, lists up to the longest, addresses that fault, fences; 1
/// to 600 a doorbell, rung by a call or by the flag of the last one; doorbells that ring nothing, calls that are refused,
/// and in the end operations that are aborted and some that are never rung.
///
/// It prints, in the order of each channel:
///
///     op VCHAN RING_IDX KIND SRC DST LENGTH NB_SRC NB_DST FLAGS ADDRESS:LENGTH…
///     bell VCHAN COUNT
///     done VCHAN RING_IDX STATUS
struct RandomLoad {
    private let device: DMADevice
    private let mode: ConfigurationFlags
    private var random: SeededGenerator
    private var channels: [Channel]
    /// Where the device finds its memory.
    private let base: UInt64
    private let memory: AnyObject
    private let longestList: Int
    private let size: Size
    /// The device's own, where it has domains; 0: none.
    private var handler: DomainHandler = 0

    private static let byteCount = 1 << 16

    /// How much it does at once.
    struct Size {
        /// The most operations of a doorbell.
        var largestBurst: Int
        /// Operations that the first channel may still have when the device stops.
        var tail: Int
        var descriptors: UInt16
        /// How often the device is stopped and started on the way.
        var restarts = 0
        /// Whether operations end; otherwise there are so few that all have room.
        var canWait = true
        /// Whether it prints only the counters, and the number of starts.
        var isQuiet = false

        static let long = Size(largestBurst: 600, tail: 500, descriptors: 1024)
        /// At most 24 + 60 + 24 + 32 operations between two starts.
        static let short = Size(largestBurst: 24, tail: 32, descriptors: 256, isQuiet: true)
    }

    /// Memory of this process, for devices that reach it.
    private final class OwnMemory {
        let start: UnsafeMutableRawPointer

        init(byteCount: Int) {
            start = .allocate(byteCount: byteCount, alignment: 4096)
            start.initializeMemory(as: UInt8.self, repeating: 1, count: byteCount)
        }

        deinit { start.deallocate() }
    }

    /// One channel, as far as the load knows it.
    private struct Channel {
        let path: VirtualChannel
        var enqueued = 0
        var finished = 0
        /// Kept until they are dequeued.
        var buffers: [OperationBuffer] = []
    }

    init(_ specification: String, mode: String, seed: UInt64, size: Size = .long) throws {
        self.size = size
        self.mode = mode == "silent" ? .silent : mode == "operations" ? .enqueueDequeue : []
        let device: DMADevice
        if specification.hasPrefix("/") {
            let driver = try ControllerDevice(path: specification)
            device = try DeviceRegistry().add(driver, named: "random")
            try TraceBursts.start(device, vchans: 2, mode: self.mode, descriptors: size.descriptors)
            // In a guest, the controller reaches no other memory.
            let buffer = try device.makeBuffer(byteCount: Self.byteCount)
            base = try device.mapMemory(buffer.bytes)
            memory = buffer
        } else {
            device = try TraceBursts.start(specification, vchans: 2, mode: self.mode, descriptors: size.descriptors)
            let buffer = OwnMemory(byteCount: Self.byteCount)
            base = UInt64(UInt(bitPattern: buffer.start))
            memory = buffer
        }
        self.device = device
        random = SeededGenerator(seed: seed)
        channels = try (0..<2).map { Channel(path: try device.virtualChannel($0)) }
        longestList = Int(device.properties.maximumEntryCount)
        guard device.properties.capabilities.contains(.interProcessDomain) else { return }
        let domain = DomainID.random()
        let group = try device.createAccessGroup(domain: domain, token: .random())
        handler = try device.accessGroupHandler(of: domain, in: group)
    }

    mutating func run(atLeast count: Int) throws {
        let begin = MonotonicTime.now
        for _ in 0..<size.restarts {
            do { try keepBusy(atLeast: count) } catch  where !size.canWait {}
            try device.stop()
            try device.start()
            for vchan in channels.indices { channels[vchan] = Channel(path: channels[vchan].path) }
        }
        // A device that has halted refuses calls.
        do { try keepBusy(atLeast: count) } catch  where !size.canWait {}
        try TraceBursts.end(device, since: begin, starts: size.isQuiet ? 1 + size.restarts : nil)
        withExtendedLifetime(memory) {}
    }

    private mutating func keepBusy(atLeast count: Int) throws {
        while channels.reduce(0, { $0 + $1.enqueued }) < count {
            let vchan = Int.random(in: 0...1, using: &random)
            let burst = Int.random(in: 1...size.largestBurst, using: &random)
            while size.canWait, try channels[vchan].path.burstCapacity < burst { try poll(vchan) }
            try ring(vchan, burst)
            try poll(vchan)
            if mode == [], Bool.random(using: &random) { try ringNothing(vchan) }
        }
        for vchan in 0...1 where size.canWait {
            while mode != .silent, channels[vchan].finished < channels[vchan].enqueued { try poll(vchan) }
        }
        // Some are still running or waiting when the device stops.
        while size.canWait, try channels[0].path.burstCapacity < size.tail {}
        try ring(0, size.tail)
        if mode == [] {
            try channels[1].path.copy(from: 1, to: 2, length: 3)
            try channels[1].path.fill(1, pattern: 2, length: 3)
        }
    }

    /// Neither makes anything visible.
    private func ringNothing(_ vchan: Int) throws {
        try channels[vchan].path.submit()
        _ = try? channels[vchan].path.copy(from: 1, to: 2, length: 0, flags: .submit)
    }

    private mutating func ring(_ vchan: Int, _ burst: Int) throws {
        if mode == .enqueueDequeue {
            try enqueueOperations(vchan, burst)
        } else {
            let isFlagged = Bool.random(using: &random)
            for number in 1...burst { try enqueue(vchan, isLast: isFlagged && number == burst) }
            if !isFlagged { try channels[vchan].path.submit() }
        }
        say("bell \(vchan) \(burst)")
    }

    private mutating func enqueue(_ vchan: Int, isLast: Bool) throws {
        var flags = flags().union(isLast ? .submit : [])
        let (source, destination) = (address(), address())
        let length = UInt32.random(in: 1...256, using: &random)
        let path = channels[vchan].path
        let index: RingIndex
        switch Int.random(in: 0..<8, using: &random) {
        case 0:
            let (sources, destinations) = lists()
            index = try sources.withUnsafeBufferPointer { sources in
                try destinations.withUnsafeBufferPointer { try path.copy(from: sources, to: $0, flags: flags) }
            }
            note(vchan, index, sources, destinations, flags)
        case 1...3:
            let pattern = random.next()
            // A fill has no source.
            if handler != 0 { flags.subtract(.source(.max, of: .process)) }
            index = try path.fill(destination, pattern: pattern, length: length, flags: flags)
            say("op \(vchan) \(index) \(DMADEV_KIND_FILL) \(pattern) \(destination) \(length) 0 0 \(flags.rawValue)")
        default:
            index = try path.copy(from: source, to: destination, length: length, flags: flags)
            say("op \(vchan) \(index) \(DMADEV_KIND_COPY) \(source) \(destination) \(length) 0 0 \(flags.rawValue)")
        }
        channels[vchan].enqueued += 1
    }

    private mutating func enqueueOperations(_ vchan: Int, _ burst: Int) throws {
        for _ in 0..<burst {
            let (sources, destinations) = lists()
            let flags = flags()
            note(vchan, RingIndex(truncatingIfNeeded: channels[vchan].enqueued), sources, destinations, flags)
            channels[vchan].buffers.append(OperationBuffer(from: sources, to: destinations, flags: flags))
            channels[vchan].enqueued += 1
        }
        let pointers = channels[vchan].buffers.suffix(burst).map(\.pointer)
        _ = try pointers.withUnsafeBufferPointer { pointers throws(OperationError) in
            try channels[vchan].path.enqueue(pointers)
        }
    }

    private func note(
        _ vchan: Int, _ index: RingIndex, _ sources: [ScatterGatherEntry], _ destinations: [ScatterGatherEntry],
        _ flags: OperationFlags
    ) {
        let entries = (sources + destinations).map { " \($0.addr):\($0.length)" }.joined()
        say(
            "op \(vchan) \(index) \(DMADEV_KIND_COPY_SG) 0 0 0 \(sources.count) \(destinations.count) \(flags.rawValue)"
                + entries)
    }

    private mutating func poll(_ vchan: Int) throws {
        var ended: [CompletionStatus] = []
        switch mode {
        case .silent: return
        case .enqueueDequeue:
            var taken = [UnsafeMutablePointer<dmadev_op>?](repeating: nil, count: 256)
            let count = try taken.withUnsafeMutableBufferPointer { taken throws(OperationError) in
                try channels[vchan].path.dequeue(into: taken)
            }
            ended = taken.prefix(count).compactMap { $0?.status }
            channels[vchan].buffers.removeFirst(count)
        default:
            var statuses = [CompletionStatus](repeating: .successful, count: 256)
            let count = try statuses.withUnsafeMutableBufferPointer { statuses throws(OperationError) in
                try channels[vchan].path.completedStatus(into: statuses).count
            }
            ended = Array(statuses.prefix(count))
        }
        for status in ended {
            say("done \(vchan) \(RingIndex(truncatingIfNeeded: channels[vchan].finished)) \(status.rawValue)")
            channels[vchan].finished += 1
        }
    }

    private func say(_ text: String) {
        if !size.isQuiet { print(text) }
    }

    // MARK: Random things

    private mutating func flags() -> OperationFlags {
        var flags: OperationFlags = []
        if Int.random(in: 0..<16, using: &random) == 0 { flags.insert(.fence) }
        if Int.random(in: 0..<8, using: &random) == 0 { flags.insert(.lastLevelCache) }
        if handler != 0, Int.random(in: 0..<4, using: &random) == 0 { flags.insert(.source(handler, of: .process)) }
        if handler != 0, Int.random(in: 0..<4, using: &random) == 0 {
            flags.insert(.destination(handler, of: .process))
        }
        return flags
    }

    /// In the memory, but for one of twenty that is no address.
    private mutating func address() -> UInt64 {
        guard Int.random(in: 0..<20, using: &random) != 0 else { return 1 << 60 }
        return base + UInt64.random(in: 0...0x8000, using: &random)
    }

    /// Equally many bytes in both; one of eight has the most entries, the others have few.
    private mutating func lists() -> (sources: [ScatterGatherEntry], destinations: [ScatterGatherEntry]) {
        let isLong = Int.random(in: 0..<8, using: &random) == 0
        let counts = (0..<2).map { _ in isLong ? longestList : Int.random(in: 1...8, using: &random) }
        let sources = (0..<counts[0]).map { _ in
            ScatterGatherEntry(address: address(), length: UInt32.random(in: 0...16, using: &random))
        }
        var left = sources.reduce(0) { $0 + $1.length }
        let destinations = (1...counts[1]).map { number in
            let length = number == counts[1] ? left : min(left, UInt32.random(in: 0...16, using: &random))
            left -= length
            return ScatterGatherEntry(address: address(), length: length)
        }
        return (sources, destinations)
    }
}
