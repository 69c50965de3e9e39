/// Counts the operations of each ring, and compares when the ring has ended.
final class AuditCollector: OperationObserver {
    /// What is kept of a channel.
    final class ChannelAccount {
        var audit: ChannelAudit

        init(_ audit: ChannelAudit) { self.audit = audit }
    }

    private let processes: () -> TraceProcesses

    init(_ processes: @escaping () -> TraceProcesses) { self.processes = processes }

    func take(_ operation: TracedOperation, number: UInt64, of ring: TracedRing) {
        account(of: ring).add(operation, number)
    }

    func take(_ operations: OperationRun, of ring: TracedRing) {
        let account = account(of: ring)
        operations.forEach { account.add($0.pointee, $1) }
    }

    func takeDoorbell(of count: UInt64, isFirst: Bool, at time: Int64, _ ring: TracedRing) {}
    func takeFailure(of call: String, error: Int, channel: TracedChannel?, process: Int) {}
    func takeEngine(_ engine: Int, of process: Int, isAsleep: Bool, at time: Int64) {}

    func takeEnd(of ring: TracedRing) {
        let channel = ring.channel
        let own: ChannelAccount
        if let known = channel.account as? ChannelAccount {
            own = known
        } else {
            own = ChannelAccount(ChannelAudit(channel, processes()))
            channel.account = own
        }
        own.audit.add(ring, account(of: ring))
        ring.account = nil
    }

    private func account(of ring: TracedRing) -> RingAccount {
        // Only this class sets it.
        if let account = ring.account { return unsafeDowncast(account, to: RingAccount.self) }
        let account = RingAccount()
        ring.account = account
        return account
    }
}
