internal import LinuxSystem

/// The newest group events of a controller, or of the devices of a process, and how many of each kind there were. Any
/// thread may call.
///
/// Each kind has a history of its own, so that a frequent kind does not push out the others.
public final class GroupEventLog: Sendable {
    private let histories = AccessGroupEvent.Kind.allCases.map { _ in History<RecordedGroupEvent>() }
    private let lastNumber = Locked<UInt64>(0)

    /// An empty log.
    public init() {}

    /// Adds an event with the current time.
    ///
    /// - Parameters:
    ///   - event: counts for its kind.
    ///   - device: the device that received it; `nil`: recorded by the controller itself.
    public func record(_ event: AccessGroupEvent, device: Int16? = nil) {
        // Under the lock, so that numbers and times have the same order.
        lastNumber.withLock { last in
            last += 1
            histories[Int(event.kind.rawValue)].append {
                RecordedGroupEvent(number: last, time: $1, device: device, event: event)
            }
        }
    }

    /// The last events of all kinds, newest first.
    ///
    /// - Parameter count: of each kind, the log has the newest 256.
    public func last(_ count: Int = 256) -> [RecordedGroupEvent] {
        Array(histories.flatMap { $0.last(count) }.sorted { $0.number > $1.number }.prefix(max(count, 0)))
    }

    /// The number of events of a kind so far, including those that the log no longer has.
    public func count(of kind: AccessGroupEvent.Kind) -> UInt64 { histories[Int(kind.rawValue)].count }
}

/// A group event with its time.
public struct RecordedGroupEvent: Sendable, Hashable {
    /// Counts the events of the log, from 1.
    public let number: UInt64
    /// Time of recording; nanoseconds since 1970.
    public let time: UInt64
    /// The device that received it; `nil`: recorded by the controller itself.
    public let device: Int16?
    /// The event.
    public let event: AccessGroupEvent
}
