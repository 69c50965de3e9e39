/// Takes every event for a report: those of operations go to the follower, those of groups and memory are added up here.
final class ReportConsumer: TraceConsumer {
    let follower: OperationFollower<ReportCollector>
    private(set) var groups = GroupCollector()
    private(set) var memory = MemoryCollector()

    init(_ collector: ReportCollector) {
        follower = OperationFollower(collector)
    }

    func take(_ event: TraceEvent, from processes: TraceProcesses) {
        follower.take(event, from: processes)
        switch event.kind {
        case .close where event.integer(1) >= 0, .deviceRemoved:
            memory.end(device: Int(event.integer(0)), of: event.process)
        case .attachmentFallback:
            // Result, interconnect, reason.
            follower.observer.addFailure(
                of: "interconnect_fallback", error: abs(Int(event.integer(0))), process: event.process,
                reason: event.text(2))
            memory.take(event, from: processes)
        case let kind where kind.isAboutMemory: memory.take(event, from: processes)
        case let kind where kind.isAboutGroup: groups.take(event, from: processes)
        default: break
        }
    }
}
