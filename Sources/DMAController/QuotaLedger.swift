internal import GroupTable

/// Counts the resources of each tenant and enforces the quota. For the control thread only.
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
    private var used: [Tenant: Amount] = [:]
    /// From 1, never reused.
    private var numbers: [Tenant: UInt64] = [:], lastNumber: UInt64 = 0
    /// The resources of all tenants.
    private(set) var total = Amount()

    init(_ quota: ControllerConfiguration.Quota) {
        self.quota = quota
    }

    /// Charges a tenant.
    ///
    /// - Returns: why the quota does not allow it; then nothing is charged. `nil` on success.
    mutating func charge(_ tenant: Tenant, _ more: Amount) -> String? {
        var now = used[tenant] ?? Amount()
        let (_, overflow) = total.bytes.addingReportingOverflow(more.bytes)
        now += more
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
            return "\(tenant) has reached this controller's quota of \(full); release some, or raise the quota"
        }
        used[tenant] = now
        total += more
        if numbers[tenant] == nil {
            lastNumber += 1
            numbers[tenant] = lastNumber
        }
        return nil
    }

    /// A number that no other tenant has, for as long as the tenant is charged for something; 0: it is not.
    func number(of tenant: Tenant) -> UInt64 { numbers[tenant] ?? 0 }

    /// Whether a tenant may have one more of the connections that all share.
    func mayConnect(_ tenant: Tenant, maximum: Int) -> Bool {
        tenant.mayTakeOne(of: maximum, taken: used.mapValues(\.connections))
    }

    /// Reverts a charge.
    mutating func release(_ tenant: Tenant, _ less: Amount) {
        guard var now = used[tenant] else { return }
        now -= less
        total -= less
        used[tenant] = now == Amount() ? nil : now
        if used[tenant] == nil { numbers[tenant] = nil }
    }
}

extension QuotaLedger.Amount {
    static func += (sum: inout Self, more: Self) {
        sum.connections += more.connections
        sum.rings += more.rings
        sum.windows += more.windows
        sum.bytes &+= more.bytes
        sum.events += more.events
    }

    static func -= (sum: inout Self, less: Self) {
        sum.connections -= less.connections
        sum.rings -= less.rings
        sum.windows -= less.windows
        sum.bytes &-= less.bytes
        sum.events -= less.events
    }
}
