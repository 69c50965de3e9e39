/// Counts the resources of each user and enforces the quota. For the control thread only.
struct QuotaLedger {
    /// Resources that the quota limits.
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

    /// Charges a user.
    ///
    /// - Returns: why the quota does not allow it; then nothing is charged. `nil` on success.
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
                "\(quota.windows) registered memory regions"
            } else if overflow || now.bytes > quota.bytes {
                "\(quota.bytes) bytes of rings and registered memory"
            } else if now.events > quota.events {
                "\(quota.events) unread events"
            } else {
                nil
            }
        if let full {
            return "user \(uid) has reached this controller's quota of \(full); release some, or raise the quota"
        }
        used[uid] = now
        return nil
    }

    /// Reverts a charge.
    mutating func release(_ uid: UInt32, _ less: Amount) {
        guard var now = used[uid] else { return }
        now.connections -= less.connections
        now.rings -= less.rings
        now.windows -= less.windows
        now.bytes -= less.bytes
        now.events -= less.events
        used[uid] = now == Amount() ? nil : now
    }

    /// Bytes of rings and registered memory of all users.
    var byteCount: UInt64 { used.values.reduce(0) { $0 &+ $1.bytes } }
}
