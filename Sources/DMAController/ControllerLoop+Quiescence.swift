internal import DMAEngine
internal import GroupTable

/// Memory and access rights are taken from the engine in two steps: they disappear from its tables, and when it has passed
/// a quiescent point, they are released. The control thread serves others meanwhile, and all changes since the last
/// point share the next one.
extension ControllerLoop {
    /// What waits for a quiescent point.
    struct Deferred {
        /// Tables that the engine may still use.
        var retired: [AnyObject] = []
        var actions: [(tenant: Tenant, body: () -> Void)] = []

        var isEmpty: Bool { retired.isEmpty && actions.isEmpty }
    }

    /// Keeps an earlier table until the engine has passed a quiescent point.
    func retire(_ table: AnyObject) { deferred.retired.append(table) }

    /// Performs an action, as work of its tenant, when the engine has passed a quiescent point.
    func afterQuiescence(for tenant: Tenant, _ body: @escaping () -> Void) {
        deferred.actions.append((tenant, body))
    }

    /// Requests a quiescent point for the changes so far, unless another one is awaited: then they get the next.
    func requestQuiescence() {
        guard awaited == nil, !deferred.isEmpty else { return }
        statistics.quiescentPoints += 1
        awaited = (engine.requestQuiescentPoint(), deferred)
        deferred = Deferred()
    }

    /// Queues the actions whose quiescent point has passed.
    func takeQuiescence() {
        guard let (point, passed) = awaited, engine.hasPassed(point) else { return }
        awaited = nil
        for action in passed.actions { queue.add(.action(action.body), for: action.tenant) }
    }

    /// Performs all work that is left, with waits; no requests are read.
    func drain() {
        while true {
            while let item = queue.next() { perform(item) }
            requestQuiescence()
            guard let awaited else { return }
            engine.waitFor(awaited.point)
            takeQuiescence()
        }
    }
}
