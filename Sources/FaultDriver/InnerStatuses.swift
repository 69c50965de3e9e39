internal import DMADev

/// How operations of the inner device have ended on a channel, by code.
struct InnerStatuses {
    var byCode: [UInt16: UInt64] = [:]

    /// Nothing yet.
    init() {}

    /// All that ever ended. Of a driver that keeps no statuses only the successes are known.
    init(of inner: any DMADriver, _ vchan: UInt16) {
        if let details = inner.details(of: vchan) {
            for (status, count) in details.statuses { byCode[status.rawValue] = count }
        } else {
            let counters = inner.counters(of: vchan)
            byCode[CompletionStatus.successful.rawValue] =
                counters.completed &- min(counters.errors, counters.completed)
        }
    }

    /// What came after `before` and is not in `told`.
    func since(_ before: InnerStatuses, without told: InnerStatuses) -> InnerStatuses {
        var rest = InnerStatuses()
        for (code, count) in byCode {
            let known = before.byCode[code, default: 0] &+ told.byCode[code, default: 0]
            if count > known { rest.byCode[code] = count - known }
        }
        return rest
    }
}
