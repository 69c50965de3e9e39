internal import DMADev

/// Assigns handler numbers: unused ones first, then the one that has been free for the longest time; never one that a
/// channel or a descriptor still holds.
struct HandlerNumbers {
    /// The highest number; tests that use all numbers set a lower one.
    let highest: DomainHandler
    private var lastFresh: DomainHandler = 0
    /// Numbers that are free again, the longest free first.
    private var freed: [DomainHandler] = []
    /// The hold count of each held number, live or revoked.
    private var holds: [DomainHandler: Int] = [:]
    /// Numbers that are revoked and still held.
    private var retired: Set<DomainHandler> = []
    /// The tenant of each number that is not free: whose membership it is, or was.
    private var tenants: [DomainHandler: Tenant] = [:]
    private var counts: [Tenant: Int] = [:]

    init(highest: DomainHandler) {
        self.highest = highest
    }

    /// Assigns a number for a membership of a tenant.
    ///
    /// - Throws: `ENOSPC` when all are in use, or the rest is for tenants with fewer.
    mutating func take(for tenant: Tenant) throws(DMAError) -> DomainHandler {
        guard tenants.count < Int(highest) else { throw .exhausted("every handler is in use") }
        guard tenant.mayTakeOne(of: Int(highest), taken: counts) else {
            throw .exhausted(
                "\(tenant) has \(counts[tenant] ?? 0) handlers: the last quarter of the \(highest) is for those who have "
                    + "fewer")
        }
        let handler: DomainHandler
        if lastFresh < highest {
            lastFresh += 1
            handler = lastFresh
        } else {
            handler = freed.removeFirst()
        }
        tenants[handler] = tenant
        counts[tenant, default: 0] += 1
        return handler
    }

    /// Frees a number that gives no access any more; a held one becomes free with its last release.
    mutating func free(_ handler: DomainHandler) {
        if holds[handler] == nil { makeFree(handler) } else { retired.insert(handler) }
    }

    private mutating func makeFree(_ handler: DomainHandler) {
        freed.append(handler)
        guard let tenant = tenants.removeValue(forKey: handler), let count = counts[tenant] else { return }
        counts[tenant] = count > 1 ? count - 1 : nil
    }

    mutating func hold(_ handler: DomainHandler) {
        holds[handler, default: 0] += 1
    }

    mutating func release(_ handler: DomainHandler) {
        guard let count = holds[handler] else { return }
        holds[handler] = count > 1 ? count - 1 : nil
        if count == 1, retired.remove(handler) != nil { makeFree(handler) }
    }
}
