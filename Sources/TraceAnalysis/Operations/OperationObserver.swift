/// Gets what ``OperationFollower`` finds out.
public protocol OperationObserver: AnyObject {
    /// An operation of which all is known that the trace has, in the order of the ring.
    func take(_ operation: TracedOperation, number: UInt64, of ring: TracedRing)
    /// The same for several at once.
    func take(_ operations: OperationRun, of ring: TracedRing)
    /// A doorbell made so many operations visible to the engine. A doorbell with many is recorded in several parts, of which
    /// one is the first.
    func takeDoorbell(of count: UInt64, isFirst: Bool, at time: Int64, _ ring: TracedRing)
    /// Nothing more comes about the ring.
    func takeEnd(of ring: TracedRing)
    /// A call has failed, with this errno, a positive number. The channel is `nil` for calls that are not about one.
    func takeFailure(of call: String, error: Int, channel: TracedChannel?, process: Int)
    /// An engine went to sleep, or woke up.
    func takeEngine(_ engine: Int, of process: Int, isAsleep: Bool, at time: Int64)
}

extension OperationObserver {
    /// Takes each.
    public func take(_ operations: OperationRun, of ring: TracedRing) {
        for number in operations.numbers { take(operations[number], number: number, of: ring) }
    }
}
