internal import DMADev

/// How operations of the inner device have ended on a channel, by code.
struct InnerStatuses {
    var byCode: [UInt16: UInt64] = [:]

    /// Nothing yet.
    init() {}

    /// All that ever ended. A driver that keeps no statuses tells how many failed, and not of what.
    init(of inner: any DMADriver, _ vchan: UInt16) {
        if let details = inner.details(of: vchan) {
            for (status, count) in details.statuses { byCode[status.rawValue] = count }
        } else {
            byCode[CompletionStatus.unknown.rawValue] = inner.counters(of: vchan).errors
        }
    }

    /// What came after `before` and is not in `told`.
    func since(_ before: InnerStatuses, without told: InnerStatuses, isExact: Bool) -> InnerStatuses {
        let told = isExact ? told : told.failuresAsUnknown
        var rest = InnerStatuses()
        for (code, count) in byCode {
            let known = before.byCode[code, default: 0] &+ told.byCode[code, default: 0]
            if count > known { rest.byCode[code] = count - known }
        }
        return rest
    }

    private var failuresAsUnknown: InnerStatuses {
        let others: [CompletionStatus] = [.successful, .userAbort, .notAttempted]
        var sum = InnerStatuses()
        sum.byCode[CompletionStatus.unknown.rawValue] =
            byCode.filter { code, _ in !others.contains { $0.rawValue == code } }.values.reduce(0, &+)
        return sum
    }
}
