/// The operations of one ring about which more events can come, by number. The oldest leaves when everything about it has
/// been seen, or when so many newer ones are there that nothing more can come.
struct OperationWindow: ~Copyable {
    /// The number of the oldest operation.
    private(set) var first: UInt64 = 0
    /// One more than the number of the newest.
    private(set) var end: UInt64 = 0
    private var slots: UnsafeMutablePointer<TracedOperation>
    private var capacity: UInt64 = 64

    init() {
        slots = .allocate(capacity: Int(capacity))
        slots.initialize(repeating: TracedOperation(), count: Int(capacity))
    }

    deinit { slots.deallocate() }

    /// Forgets all, and begins with a number.
    mutating func restart(at number: UInt64) {
        first = number
        end = number
    }

    /// An operation in the window.
    subscript(number: UInt64) -> UnsafeMutablePointer<TracedOperation> { slots + Int(number & (capacity - 1)) }

    /// The place of an operation, made if it is new.
    ///
    /// - Returns: `nil` if it has left already.
    mutating func slot(_ number: UInt64) -> UnsafeMutablePointer<TracedOperation>? {
        guard number >= first else { return nil }
        while end <= number {
            if end - first == capacity { grow() }
            self[end].pointee = TracedOperation()
            end += 1
        }
        return self[number]
    }

    /// Those before a number leave.
    mutating func removeAll(before number: UInt64) { first = number }

    /// Some of them.
    subscript(numbers: Range<UInt64>) -> OperationRun {
        OperationRun(numbers: numbers, slots: UnsafePointer(slots), mask: capacity - 1)
    }

    private mutating func grow() {
        let larger = UnsafeMutablePointer<TracedOperation>.allocate(capacity: Int(capacity) * 2)
        larger.initialize(repeating: TracedOperation(), count: Int(capacity) * 2)
        for number in first..<end { larger[Int(number & (capacity * 2 - 1))] = self[number].pointee }
        slots.deallocate()
        slots = larger
        capacity *= 2
    }
}

/// Consecutive operations of a ring, valid during the call that gets them.
public struct OperationRun {
    /// Their numbers.
    public let numbers: Range<UInt64>
    fileprivate let slots: UnsafePointer<TracedOperation>
    fileprivate let mask: UInt64

    fileprivate init(numbers: Range<UInt64>, slots: UnsafePointer<TracedOperation>, mask: UInt64) {
        (self.numbers, self.slots, self.mask) = (numbers, slots, mask)
    }

    /// One of them.
    ///
    /// - Parameter number: one of ``numbers``.
    public subscript(number: UInt64) -> TracedOperation {
        precondition(numbers.contains(number))
        return slots[Int(number & mask)]
    }

    /// Calls `body` with each, where it is.
    @inline(__always)
    func forEach(_ body: (UnsafePointer<TracedOperation>, UInt64) -> Void) {
        for number in numbers { body(slots + Int(number & mask), number) }
    }

    /// Calls `body` for consecutive ones that are equal, as those of a burst are: with the first, its number, and how many
    /// there are.
    @inline(__always)
    func forEachGroup(_ body: (UnsafePointer<TracedOperation>, UInt64, UInt64) -> Void) {
        var first = numbers.lowerBound
        while first < numbers.upperBound {
            let operation = slots + Int(first & mask)
            var end = first + 1
            while end < numbers.upperBound, slots[Int(end & mask)] == operation.pointee { end += 1 }
            body(operation, first, end - first)
            first = end
        }
    }
}
