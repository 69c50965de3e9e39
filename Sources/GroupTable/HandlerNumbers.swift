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

    init(highest: DomainHandler) {
        self.highest = highest
    }

    /// Assigns a number; returns `nil` when all are in use.
    mutating func take() -> DomainHandler? {
        if lastFresh < highest {
            lastFresh += 1
            return lastFresh
        }
        return freed.isEmpty ? nil : freed.removeFirst()
    }

    /// Frees a number that gives no access any more; a held one becomes free with its last release.
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
