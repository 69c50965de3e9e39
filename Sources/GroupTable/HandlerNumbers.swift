internal import DMADev

/// Gives out handler numbers: those that never were used first, then the one that has been free longest; none that a
/// channel or a descriptor still holds.
struct HandlerNumbers {
    /// The highest number there is; tests that use all of them take fewer.
    let highest: DomainHandler
    private var lastFresh: DomainHandler = 0
    /// Free for use again, the longest free first.
    private var freed: [DomainHandler] = []
    /// How often a number is held; of live ones and dead ones.
    private var holds: [DomainHandler: Int] = [:]
    /// Dead, revoked, and still held.
    private var retired: Set<DomainHandler> = []

    init(highest: DomainHandler) {
        self.highest = highest
    }

    /// A number, `nil` when all are in use.
    mutating func take() -> DomainHandler? {
        if lastFresh < highest {
            lastFresh += 1
            return lastFresh
        }
        return freed.isEmpty ? nil : freed.removeFirst()
    }

    /// Nobody reaches anything by this number any more.
    mutating func free(_ handler: DomainHandler) {
        if holds[handler] == nil { freed.append(handler) } else { retired.insert(handler) }
    }

    mutating func hold(_ handler: DomainHandler) {
        holds[handler, default: 0] += 1
    }

    mutating func release(_ handler: DomainHandler) {
        guard let count = holds[handler] else { return }
        holds[handler] = count > 1 ? count - 1 : nil
        if count == 1, retired.remove(handler) != nil { freed.append(handler) }
    }
}
