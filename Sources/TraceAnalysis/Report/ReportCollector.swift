/// Adds up what is reported.
final class ReportCollector: OperationObserver {
    /// What is kept of a channel.
    final class ChannelAccount {
        /// Behind a pointer: a class's property is checked for exclusive access each time.
        fileprivate let place = UnsafeMutablePointer<ChannelReport>.allocate(capacity: 1)
        var report: ChannelReport { place.pointee }

        init(_ report: ChannelReport) { place.initialize(to: report) }

        deinit {
            place.deinitialize(count: 1)
            place.deallocate()
        }
    }

    private struct Failure: Hashable {
        let process: Int
        let device: Int?
        let vchan: Int?
        let call: String
        let error: Int
        var reason: String?
    }

    /// The most kinds of failures that are kept: reasons are texts of traced programs.
    private static let mostFailures = 10_000

    private struct EngineKey: Hashable {
        let process: Int
        let engine: Int
    }

    private let processes: () -> TraceProcesses
    private var engines: [EngineKey: EngineReport] = [:]
    private var failures: [Failure: UInt64] = [:]

    init(_ processes: @escaping () -> TraceProcesses) { self.processes = processes }

    func take(_ operation: TracedOperation, number: UInt64, of ring: TracedRing) {
        account(of: ring.channel).place.pointee.add(operation, number, count: 1)
    }

    func take(_ operations: OperationRun, of ring: TracedRing) {
        let report = account(of: ring.channel).place
        operations.forEachGroup { report.pointee.add($0.pointee, $1, count: $2) }
    }

    func takeDoorbell(of count: UInt64, isFirst: Bool, at time: Int64, _ ring: TracedRing) {
        account(of: ring.channel).place.pointee.addDoorbell(
            of: count, isFirst: isFirst, at: time, occupancy: ring.occupancy)
    }

    func takeEnd(of ring: TracedRing) { account(of: ring.channel).place.pointee.rings += 1 }

    func takeFailure(of call: String, error: Int, channel: TracedChannel?, process: Int) {
        let failure = Failure(
            process: process, device: channel?.device, vchan: channel?.vchan, call: call, error: error)
        add(failure)
    }

    /// The same with the reason that an event has as text.
    func addFailure(of call: String, error: Int, process: Int, reason: String) {
        add(Failure(process: process, device: nil, vchan: nil, call: call, error: error, reason: reason))
    }

    private func add(_ failure: Failure) {
        guard failures.count < Self.mostFailures || failures[failure] != nil else { return }
        failures[failure, default: 0] += 1
    }

    func takeEngine(_ engine: Int, of process: Int, isAsleep: Bool, at time: Int64) {
        let key = EngineKey(process: process, engine: engine)
        if engines[key] == nil {
            engines[key] = EngineReport(
                process: processes().all[process].label, engine: engine, isAsleep: isAsleep, at: time)
        } else {
            engines[key]?.add(isAsleep: isAsleep, at: time)
        }
    }

    /// By process and number.
    var engineReports: [EngineReport] {
        engines.sorted { ($0.key.process, $0.key.engine) < ($1.key.process, $1.key.engine) }.map(
            \.value)
    }

    /// The most frequent first.
    var failedCalls: [FailedCallReport] {
        failures.map { failure, count in
            FailedCallReport(
                process: processes().all[failure.process].label, device: failure.device,
                vchan: failure.vchan,
                call: failure.call, error: failure.error, reason: failure.reason, count: count)
        }.sorted { ($1.count, $0.call, $0.process) < ($0.count, $1.call, $1.process) }
    }

    private func account(of channel: TracedChannel) -> ChannelAccount {
        // Only this class sets it.
        if let account = channel.account { return unsafeDowncast(account, to: ChannelAccount.self) }
        let account = ChannelAccount(ChannelReport(channel, processes()))
        channel.account = account
        return account
    }
}
