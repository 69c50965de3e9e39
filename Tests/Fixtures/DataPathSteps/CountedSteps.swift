import CDMATrace
import DMADev

/// What the steps work on.
struct Subject {
    let channel: VirtualChannel
    let source: UInt64
    let destination: UInt64
    let sources: UnsafeBufferPointer<ScatterGatherEntry>
    let destinations: UnsafeBufferPointer<ScatterGatherEntry>
    let statuses: UnsafeMutableBufferPointer<CompletionStatus>
}

/// Does a step so many times. `scripts/check-instructions` finds it by its name, which no other function may contain.
@inline(never)
func countedSteps(_ step: Step, _ subject: Subject, count: Int) throws(OperationError) {
    let channel = subject.channel
    switch step {
    case .copy, .engineCopies:
        for _ in 0..<count { try channel.copy(from: subject.source, to: subject.destination, length: 64) }
    case .copyList:
        for _ in 0..<count { try channel.copy(from: subject.sources, to: subject.destinations) }
    case .fill, .engineFills:
        for _ in 0..<count { try channel.fill(subject.destination, pattern: 0x0123_4567, length: 64) }
    case .copyAndSubmit, .engineDoorbells:
        for _ in 0..<count {
            try channel.copy(from: subject.source, to: subject.destination, length: 64, flags: .submit)
        }
    case .copyThenSubmit:
        for _ in 0..<count {
            try channel.copy(from: subject.source, to: subject.destination, length: 64)
            try channel.submit()
        }
    case .burstAndSubmit:
        for _ in 0..<count {
            for _ in 0..<32 { try channel.copy(from: subject.source, to: subject.destination, length: 64) }
            try channel.submit()
        }
    case .burstCapacity:
        for _ in 0..<count { _ = try channel.burstCapacity }
    case .refusedCopy:
        for _ in 0..<count {
            do throws(OperationError) {
                try channel.copy(from: subject.source, to: subject.destination, length: 0)
            } catch {}
        }
    case .tracepoint:
        for index in 0..<count {
            dmatrace_dmadev_copy(0, 0, subject.source, subject.destination, 64, 0, Int32(truncatingIfNeeded: index))
        }
    case .engineDomainCopies: break  // on a ring of its own
    case .completed, .noneReady:
        for _ in 0..<count { _ = try channel.completed(upTo: 1) }
    case .completedBurst:
        for _ in 0..<count { _ = try channel.completed(upTo: 32) }
    case .completedStatus:
        for _ in 0..<count { _ = try channel.completedStatus(into: subject.statuses) }
    }
}
