import CDMATrace
import DMADev
import DMAEngine
import Glibc
import SoftwareDriver

/// A program whose instructions are counted: `data-path-steps STEP COUNT` does a step so many times; without arguments
/// it prints the steps' names. `scripts/check-instructions` runs it.
///
/// Only ``countedSteps(_:_:count:)`` counts, and for steps of the engine, what that does from one hold-up to the next. What that does is the same in every run: the engine is held up by an
/// operation on another channel while enqueues and doorbells are counted, so that it neither sleeps nor frees slots
/// meanwhile, and has finished everything before polls are.
@main
struct DataPathSteps {
    static func main() throws {
        let arguments = CommandLine.arguments.dropFirst()
        guard !arguments.isEmpty else {
            for step in Step.allCases { print(step.rawValue) }
            return
        }
        // The largest step has 32 operations: 1,024 of it fill the ring.
        guard arguments.count == 2, let step = Step(rawValue: arguments[1]), let count = Int(arguments[2]),
            (1...1024).contains(count)
        else {
            let usage = "usage: data-path-steps [STEP COUNT], COUNT from 1 to 1024\n"
            _ = write(2, usage, usage.utf8.count)
            exit(64)
        }
        let bench = try Bench()
        if step.isOfEngine {
            let domainRing = step == .engineDomainCopies ? try bench.domainRing() : nil
            try bench.holdEngine()
            try countedSteps(step, bench.subject, count: count)
            try bench.subject.channel.submit()
            domainRing?.copy(count)
            try bench.releaseAndHoldEngine()
            try bench.releaseEngine()
            try domainRing?.end(count)
        } else if step.isPoll {
            try bench.finish(count * step.operations)
            try countedSteps(step, bench.subject, count: count)
        } else {
            try bench.holdEngine()
            try countedSteps(step, bench.subject, count: count)
            try bench.releaseEngine()
        }
        try bench.end()
    }
}

/// What is counted; one a row of the table of limits.
enum Step: String, CaseIterable {
    case copy
    case copyList = "copy-sg-4"
    case fill
    case copyAndSubmit = "copy-submit-flag"
    case copyThenSubmit = "copy-then-submit"
    case burstAndSubmit = "burst-32-submit"
    case burstCapacity = "burst-capacity"
    case refusedCopy = "copy-refused"
    case tracepoint = "tracepoint-off"
    case completed = "completed-1"
    case completedBurst = "completed-32"
    case completedStatus = "completed-status-1"
    case noneReady = "none-ready"
    case engineCopies = "engine-copy"
    case engineFills = "engine-fill"
    case engineDoorbells = "engine-copy-each-rung"
    case engineDomainCopies = "engine-copy-domain"

    /// Whether the engine's instructions are counted, not the application's.
    var isOfEngine: Bool { rawValue.hasPrefix("engine-") }

    /// Whether it takes finished operations.
    var isPoll: Bool {
        switch self {
        case .completed, .completedBurst, .completedStatus, .noneReady: true
        default: false
        }
    }

    /// Operations a step.
    var operations: Int {
        switch self {
        case .burstAndSubmit, .completedBurst: 32
        case .burstCapacity, .refusedCopy, .tracepoint, .noneReady, .engineDomainCopies: 0
        default: 1
        }
    }
}
