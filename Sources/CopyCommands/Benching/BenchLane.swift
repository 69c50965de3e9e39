import CommandSupport
import DMADev
import Glibc

/// One channel of a measurement, with its memory: enqueues bursts and polls completions.
final class BenchLane {
    let vchan: VirtualChannel
    private let point: BenchPoint
    private let touches: Bool
    private let source: BenchMemory
    private let destination: BenchMemory
    private let lists: BenchLists?
    private let areaCount: Int
    private let burstLimit: Int
    /// Area indices of the next operation to enqueue and of the next to complete.
    private var next = 0
    private var oldest = 0
    private var stamp: UInt64 = 0
    private var sum: UInt64 = 0
    /// The area of the operation whose bytes are checked.
    private var checked = 0

    /// Operations that are enqueued but not yet polled.
    private(set) var inFlight = 0
    /// Operations that have completed, failed ones included, and those that failed.
    private(set) var completed = 0
    private(set) var errors = 0

    /// Limit of source (or destination) memory of all lanes together, in bytes. Above it, operations share areas.
    private static let memoryLimit = 64 << 20

    /// - Parameter depth: bursts that may be in flight.
    init(
        _ vchan: VirtualChannel, _ point: BenchPoint, depth: Int, descriptorCount: Int, touches: Bool
    ) throws(Failure) {
        let limit = max(1, Self.memoryLimit / point.vchanCount / point.size)
        areaCount = min(limit, min(depth * point.burst, descriptorCount))
        // Operations share an area only within a burst, so no area is written while the engine reads it.
        burstLimit = max(1, min(depth, descriptorCount / point.burst, areaCount / point.burst))
        source = try BenchMemory(vchan.device, areaSize: point.size, areaCount: areaCount)
        destination = try BenchMemory(vchan.device, areaSize: point.size, areaCount: areaCount)
        lists =
            point.operation == .copyScatterGather
            ? BenchLists(
                from: source, to: destination, areaCount: areaCount, size: point.size,
                maximum: Int(vchan.device.properties.maximumEntryCount)) : nil
        self.vchan = vchan
        self.point = point
        self.touches = touches
    }

    /// Enqueues a burst if another one may be in flight, then polls. Returns the number of completed operations.
    @inline(__always)
    func advance() throws(OperationError) -> Int {
        if inFlight <= (burstLimit - 1) * point.burst { try enqueue(point.burst) }
        return try poll()
    }

    private func enqueue(_ count: Int) throws(OperationError) {
        for _ in 0..<count {
            if touches, point.operation != .fill { write(source, next) }
            switch point.operation {
            case .copy:
                try vchan.copy(from: source.iova(next), to: destination.iova(next), length: UInt32(point.size))
            case .fill:
                try vchan.fill(destination.iova(next), pattern: stamp, length: UInt32(point.size))
            case .copyScatterGather:
                // The initializer sets it for this operation.
                if let lists { try vchan.copy(from: lists.sources(next), to: lists.destinations(next)) }
            }
            next = next + 1 == areaCount ? 0 : next + 1
        }
        try vchan.submit()
        inFlight += count
    }

    /// Polls completed operations and returns their number.
    @inline(__always)
    func poll() throws(OperationError) -> Int {
        let now = try vchan.completed(upTo: UInt16(clamping: inFlight))
        var count = now.count
        if now.hasError { count += try pollFailed() }
        if touches { for _ in 0..<count { read(destination, oldest) } }
        inFlight -= count
        completed += count
        return count
    }

    /// Polls one operation that failed.
    private func pollFailed() throws(OperationError) -> Int {
        var status = CompletionStatus.successful
        let now = try withUnsafeMutablePointer(to: &status) { (one) throws(OperationError) in
            try vchan.completedStatus(into: UnsafeMutableBufferPointer(start: one, count: 1))
        }
        if now.count > 0, status != .successful { errors += 1 }
        return now.count
    }

    // MARK: Touching

    /// Writes to every cache line of an area, like an application that produces the data.
    private func write(_ memory: BenchMemory, _ area: Int) {
        let words = memory.words(area)
        stamp &+= 1
        for word in stride(from: 0, to: memory.wordCount, by: BenchMemory.lineWords) { words[word] = stamp }
    }

    /// Reads every cache line of an area, like an application that uses the data.
    private func read(_ memory: BenchMemory, _ area: Int) {
        let words = memory.words(area)
        for word in stride(from: 0, to: memory.wordCount, by: BenchMemory.lineWords) { sum &+= words[word] }
        oldest = oldest + 1 == areaCount ? 0 : oldest + 1
    }

    // MARK: Checking

    /// Prepares the next area and enqueues one operation on it. Nothing else may be in flight.
    ///
    /// - Parameter seed: a different value gives different bytes.
    func enqueueChecked(seed: UInt64) throws(OperationError) {
        let pattern = seed &* 0x9E37_79B9_7F4A_7C15
        stamp = pattern
        let words = source.words(next)
        // A fill's source holds what the destination should.
        for index in 0..<source.wordCount {
            words[index] = point.operation == .fill ? pattern : pattern &* UInt64(2 * index + 1)
        }
        memset(destination.words(next), CInt(~seed & 0xFF), point.size)
        checked = next
        try enqueue(1)
    }

    /// Whether the checked operation moved every byte.
    var checkedBytesAreRight: Bool {
        memcmp(source.words(checked), destination.words(checked), point.size) == 0
    }
}
