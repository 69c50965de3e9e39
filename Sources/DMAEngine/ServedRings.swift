/// A ring as an engine's thread has it, without a reference: see ``SharedState/Change``.
struct ServedRing: @unchecked Sendable {
    // Valid until the thread has acknowledged the removal of the ring. The other threads only pass them on.
    let node: EngineTurns.Place
    let consumer: UnsafeMutablePointer<RingConsumer>
}

/// The rings of an engine's thread, in any order: to add and to remove one takes the same time whatever their number. For the
/// engine's thread only.
struct ServedRings {
    private(set) var all: [ServedRing] = []

    mutating func add(_ ring: ServedRing) {
        ring.node.pointee.index = all.count
        all.append(ring)
    }

    /// Removes a ring that was added.
    mutating func remove(_ ring: ServedRing) {
        let index = ring.node.pointee.index
        let last = all.removeLast()
        guard index < all.count else { return }
        all[index] = last
        last.node.pointee.index = index
    }
}

/// Objects by their identity.
struct IdentitySet<Object: AnyObject> {
    private var objects: [ObjectIdentifier: Object] = [:]

    var count: Int { objects.count }
    var all: Dictionary<ObjectIdentifier, Object>.Values { objects.values }

    func contains(_ object: Object) -> Bool { objects[ObjectIdentifier(object)] != nil }

    mutating func insert(_ object: Object) { objects[ObjectIdentifier(object)] = object }

    /// - Returns: whether it was there.
    @discardableResult
    mutating func remove(_ object: Object) -> Bool { objects.removeValue(forKey: ObjectIdentifier(object)) != nil }
}
