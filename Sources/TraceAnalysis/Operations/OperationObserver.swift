/// Gets what ``OperationFollower`` finds out.
public protocol OperationObserver: AnyObject {
    /// An operation of which all is known that the trace has, in the order of the ring.
    func take(_ operation: TracedOperation, number: UInt64, of ring: TracedRing)
    /// A doorbell made operations visible to the engine. A doorbell with many is recorded in several parts.
    ///
    /// - Parameter isFirst: whether it is the doorbell's first part.
    func takeDoorbell(of count: UInt64, isFirst: Bool, at time: Int64, _ ring: TracedRing)
    /// Nothing more comes about the ring.
    func takeEnd(of ring: TracedRing)
    /// A call has failed.
    ///
    /// - Parameter error: the errno, positive.
    func takeFailure(of call: String, error: Int, channel: TracedChannel?, process: Int)
    /// An engine went to sleep, or woke up.
    func takeEngine(_ engine: Int, of process: Int, isAsleep: Bool, at time: Int64)
}
