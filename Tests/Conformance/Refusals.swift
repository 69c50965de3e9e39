import DMADev
import SystemPackage
import Testing

/// Records unless a control call is refused with this errno and a sentence.
func expect(
    _ errno: Errno, _ comment: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation,
    _ call: () throws -> Void
) {
    let error = #expect(throws: DMAError.self, comment, sourceLocation: sourceLocation, performing: call)
    guard let error else { return }
    #expect(error.errno == errno, "\(error)", sourceLocation: sourceLocation)
    #expect(error.message.contains(" "), "a sentence", sourceLocation: sourceLocation)
}

/// Records unless a data call is refused for this reason, with this errno.
func expectRefusal<Value>(
    _ reason: OperationError.Reason, _ errno: Errno, sourceLocation: SourceLocation = #_sourceLocation,
    _ call: () throws -> Value
) {
    #expect(throws: OperationError(reason, errno), sourceLocation: sourceLocation, performing: call)
}

/// Every data call on a channel whose device does not run.
func expectNoDataCallWorks(
    _ channel: VirtualChannel, _ reason: OperationError.Reason = .notStarted,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    let memory = GuardedMemory(16)
    let (address, entry) = (memory.address, memory.entry(at: 0, count: 8))
    var statuses = [CompletionStatus.unknown]
    let calls: [() throws -> Void] = [
        { try channel.copy(from: address, to: address + 8, length: 8, flags: .submit) },
        { try channel.copy(from: [entry], to: [entry], flags: .submit) },
        { try channel.fill(address, pattern: 0, length: 8, flags: .submit) },
        { try channel.submit() },
        { _ = try channel.completed(upTo: 1) },
        { _ = try statuses.withUnsafeMutableBufferPointer { buffer in try channel.completedStatus(into: buffer) } },
        { _ = try channel.burstCapacity },
        // Empty ones too.
        { _ = try channel.completedStatus(into: UnsafeMutableBufferPointer(start: nil, count: 0)) },
        { try channel.enqueue(UnsafeBufferPointer(start: nil, count: 0)) },
        { _ = try channel.dequeue(into: UnsafeMutableBufferPointer(start: nil, count: 0)) },
    ]
    for call in calls { expectRefusal(reason, .invalidArgument, sourceLocation: sourceLocation, call) }
    memory.expect(GuardedMemory.untouched(16), sourceLocation: sourceLocation)
}
