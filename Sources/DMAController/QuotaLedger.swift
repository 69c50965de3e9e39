/// What the users have, against what they may have. Belongs to the control thread.
struct QuotaLedger {
    /// What is counted.
    struct Amount: Equatable {
        var connections = 0
        var rings = 0
        var windows = 0
        var bytes: UInt64 = 0
        var events = 0
    }

    let quota: ControllerConfiguration.Quota
    private var used: [UInt32: Amount] = [:]

    init(_ quota: ControllerConfiguration.Quota) {
        self.quota = quota
    }

    /// Charges a user, or says what is used up; then nothing is charged.
    mutating func charge(_ uid: UInt32, _ more: Amount) -> String? {
        var now = used[uid] ?? Amount()
        let (bytes, overflow) = now.bytes.addingReportingOverflow(more.bytes)
        now.connections += more.connections
        now.rings += more.rings
        now.windows += more.windows
        now.bytes = bytes
        now.events += more.events
        let full: String? =
            if now.connections > quota.connections {
                "\(quota.connections) connections"
            } else if now.rings > quota.rings {
                "\(quota.rings) rings"
            } else if now.windows > quota.windows {
                "\(quota.windows) stretches of registered memory"
            } else if overflow || now.bytes > quota.bytes {
                "\(quota.bytes) bytes of rings and registered memory"
            } else if now.events > quota.events {
                "\(quota.events) events that wait until they are read"
            } else {
                nil
            }
        if let full { return "user \(uid) may have \(full) with this controller, and no more" }
        used[uid] = now
        return nil
    }

    /// Gives back what was charged.
    mutating func release(_ uid: UInt32, _ less: Amount) {
        guard var now = used[uid] else { return }
        now.connections -= less.connections
        now.rings -= less.rings
        now.windows -= less.windows
        now.bytes -= less.bytes
        now.events -= less.events
        used[uid] = now == Amount() ? nil : now
    }

    /// Bytes of all users together.
    var byteCount: UInt64 { used.values.reduce(0) { $0 &+ $1.bytes } }
}
