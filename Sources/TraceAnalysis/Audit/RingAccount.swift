/// What the events say of one ring.
final class RingAccount {
    /// Operations that lack something: how many, the first, and the last.
    struct Mismatch {
        private(set) var count: UInt64 = 0
        private(set) var first: UInt64 = 0
        private(set) var last: UInt64 = 0

        mutating func add(_ number: UInt64) {
            if count == 0 { first = number }
            last = number
            count += 1
        }
    }

    /// Operations that polls returned, without an end.
    struct Polled {
        private(set) var completed: UInt64 = 0
        private(set) var errors: UInt64 = 0
        private(set) var bytes: UInt64 = 0
        private(set) var unsized: UInt64 = 0

        mutating func add(_ operation: TracedOperation) {
            completed += 1
            guard operation.status == 0 else {
                errors += 1
                return
            }
            bytes &+= operation.bytes
            if !operation.parts.contains(.sized) { unsized += 1 }
        }
    }

    private(set) var submitted: UInt64 = 0
    private(set) var completed: UInt64 = 0
    private(set) var errors: UInt64 = 0
    private(set) var aborted: UInt64 = 0
    /// The aborted ones after the last that was not.
    private(set) var lastAborted: UInt64 = 0
    private(set) var bytes: UInt64 = 0
    /// Successful operations whose size the trace does not have.
    private(set) var unsized: UInt64 = 0
    /// Operations with a doorbell and no end, and with an end and no doorbell.
    private(set) var unfinished = Mismatch()
    private(set) var uncalled = Mismatch()
    private(set) var polled = Polled()
    /// The last operation with an end.
    private(set) var lastFinished: UInt64 = 0
    /// When the first unfinished one was rung.
    private(set) var firstUnfinishedTime = Int64.max

    func add(_ operation: TracedOperation, _ number: UInt64) {
        let parts = operation.parts
        if parts.contains(.rung) { submitted += 1 }
        guard parts.contains(.finished) else {
            if parts.contains(.noticed) { polled.add(operation) }
            guard parts.contains(.rung) else { return }
            unfinished.add(number)
            firstUnfinishedTime = min(firstUnfinishedTime, operation.rungTime)
            return
        }
        completed += 1
        lastFinished = number
        lastAborted = operation.status == 1 ? lastAborted + 1 : 0
        switch operation.status {
        case 0:
            bytes &+= operation.bytes
            if !parts.contains(.sized) { unsized += 1 }
        case 1:
            aborted += 1
            errors += 1
        default: errors += 1
        }
        if !parts.contains(.rung) { uncalled.add(number) }
    }
}
