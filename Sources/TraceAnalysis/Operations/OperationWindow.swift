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

    /// The oldest leaves.
    mutating func removeFirst() { first += 1 }

    private mutating func grow() {
        let larger = UnsafeMutablePointer<TracedOperation>.allocate(capacity: Int(capacity) * 2)
        larger.initialize(repeating: TracedOperation(), count: Int(capacity) * 2)
        for number in first..<end { larger[Int(number & (capacity * 2 - 1))] = self[number].pointee }
        slots.deallocate()
        slots = larger
        capacity *= 2
    }
}
