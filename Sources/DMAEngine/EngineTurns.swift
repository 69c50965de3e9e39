internal import LinuxSystem

/// The order in which an engine serves its rings, one step of one ring at a time. For the engine's thread only.
///
/// A tree: tenants take turns, a tenant's priorities are strict, the connections of one priority take turns, and so do
/// the rings of one connection. A turn of a tenant or a connection is a share of the engine's *time*: bytes would not
/// count what hostile operations cost, such as faults and lists of short entries. A turn of a ring is one step. The
/// clock is read only where several tenants or connections take turns: not in an application's own engine, which has
/// one of each.
struct EngineTurns: ~Copyable {
    /// Who shares turns with a ring.
    struct Key {
        /// Strict over all tenants; 0 unless the operator grants it.
        var rank: UInt16 = 0
        var tenant: UInt64 = 0
        var priority: UInt16 = 0
        var connection: UInt64 = 0
    }

    /// How the children of a node are served.
    fileprivate enum Order {
        /// The first child that has work; by key, the lowest first.
        case strict
        /// In turn, for a time each.
        case times
        /// In turn, one step each.
        case steps
    }

    /// A ring, or a set of rings that share turns. The children of a node are a circular list.
    struct Node {
        fileprivate let order: Order
        fileprivate let key: UInt64
        /// `nil`: the node has children.
        fileprivate let consumer: UnsafeMutablePointer<RingConsumer>?
        fileprivate var parent: Place?
        fileprivate var next: Place?
        fileprivate var previous: Place?
        /// The child whose turn it is; with strict order the first one.
        fileprivate var turn: Place?
        fileprivate var count = 0
        /// The ticks that are left of the node's own turn; negative: to be paid back.
        fileprivate var credit: Int64 = 0
        /// Of a ring: its index in the thread's ``ServedRings``.
        var index = 0

        fileprivate init(_ order: Order, key: UInt64 = 0, consumer: UnsafeMutablePointer<RingConsumer>? = nil) {
            self.order = order
            self.key = key
            self.consumer = consumer
        }

        /// A ring.
        init(_ consumer: UnsafeMutablePointer<RingConsumer>) {
            self.init(.steps, consumer: consumer)
        }
    }

    typealias Place = UnsafeMutablePointer<Node>

    /// Nanoseconds of a turn. A step can take longer: the excess is paid back in the next rounds.
    private static let turn: UInt64 = 20_000
    /// The longest time that one step is charged for, in turns: more than any step works. What takes longer is not the
    /// tenant's fault: other threads had the processor, or the machine was suspended.
    private static let maximumCharge: Int64 = 25

    private let root: Place
    private let quantum = Int64(Ticks().ticks(Self.turn))
    /// The time until which the engine's time is charged; 0: not known, because nothing is charged for the last step.
    private var charged: UInt64 = 0

    init() {
        root = .allocate(capacity: 1)
        root.initialize(to: Node(.strict))
    }

    /// Frees the nodes except those of the rings, which belong to them.
    deinit { Self.free(root) }

    private static func free(_ node: Place) {
        while let child = node.pointee.turn {
            unlink(child, from: node)
            if child.pointee.consumer == nil { free(child) }
        }
        node.deallocate()
    }

    // MARK: Changes

    /// Adds a ring. Its node must stay valid until it is removed.
    func add(_ ring: Place, _ key: Key) {
        let rank = child(UInt64(key.rank), of: root, .times)
        let tenant = child(key.tenant, of: rank, .strict)
        let priority = child(UInt64(key.priority), of: tenant, .times)
        Self.link(ring, to: child(key.connection, of: priority, .steps))
    }

    /// Removes a ring that was added.
    func remove(_ ring: Place) {
        var node = ring
        while let parent = node.pointee.parent {
            Self.unlink(node, from: parent)
            if node != ring { node.deallocate() }
            guard parent.pointee.count == 0 else { return }
            node = parent
        }
    }

    private func child(_ key: UInt64, of parent: Place, _ order: Order) -> Place {
        var node = parent.pointee.turn
        for _ in 0..<parent.pointee.count {
            if let node, node.pointee.key == key { return node }
            node = node?.pointee.next
        }
        let new = Place.allocate(capacity: 1)
        new.initialize(to: Node(order, key: key))
        Self.link(new, to: parent)
        return new
    }

    /// Adds a child: after all that wait for their turn, or in the order of the keys.
    private static func link(_ node: Place, to parent: Place) {
        node.pointee.parent = parent
        defer { parent.pointee.count += 1 }
        guard let first = parent.pointee.turn else {
            (node.pointee.next, node.pointee.previous) = (node, node)
            parent.pointee.turn = node
            return
        }
        var later = first
        if parent.pointee.order == .strict {
            if node.pointee.key < first.pointee.key {
                parent.pointee.turn = node
            } else {
                repeat { later = following(later) } while later != first && later.pointee.key < node.pointee.key
            }
        }
        node.pointee.next = later
        node.pointee.previous = later.pointee.previous
        later.pointee.previous?.pointee.next = node
        later.pointee.previous = node
    }

    private static func unlink(_ node: Place, from parent: Place) {
        parent.pointee.count -= 1
        let next = node.pointee.next
        node.pointee.previous?.pointee.next = next
        next?.pointee.previous = node.pointee.previous
        if parent.pointee.turn == node { parent.pointee.turn = parent.pointee.count == 0 ? nil : next }
        (node.pointee.parent, node.pointee.next, node.pointee.previous) = (nil, nil, nil)
    }

    @inline(__always)
    private static func following(_ node: Place) -> Place { node.pointee.next ?? node }

    // MARK: Steps

    /// Serves one step of one ring.
    ///
    /// - Returns: whether a ring had work.
    mutating func serve() -> Bool {
        let served = serve(root)
        if !served { charged = 0 }
        return served
    }

    private mutating func serve(_ node: Place) -> Bool {
        var node = node
        while node.pointee.count == 1, let only = node.pointee.turn { node = only }
        if let consumer = node.pointee.consumer {
            guard consumer.pointee.step() else { return false }
            charged = 0
            return true
        }
        return switch node.pointee.order {
        case .strict: serveFirst(of: node)
        case .times: serveTurn(of: node)
        case .steps: serveStep(of: node)
        }
    }

    private mutating func serveFirst(of node: Place) -> Bool {
        guard let first = node.pointee.turn else { return false }
        var child = first
        repeat {
            if child == first {
                if serve(child) { return true }
            } else if hasWork(child) {
                // The doorbell of an earlier child may have rung after it was served, and before the one just found.
                var earlier = first
                while earlier != child {
                    if hasWork(earlier) { return true }
                    earlier = Self.following(earlier)
                }
                if serve(child) { return true }
            }
            child = Self.following(child)
        } while child != first
        return false
    }

    private mutating func serveStep(of node: Place) -> Bool {
        for _ in 0..<node.pointee.count {
            guard let child = node.pointee.turn else { return false }
            node.pointee.turn = child.pointee.next
            if serve(child) { return true }
        }
        return false
    }

    /// Deficit round robin over the engine's time. A child that has no work keeps no credit, and pays for the time that
    /// was needed to see that.
    private mutating func serveTurn(of node: Place) -> Bool {
        if charged == 0 { charged = Ticks.now }
        var idle = 0
        while idle < node.pointee.count, let child = node.pointee.turn {
            if child.pointee.credit <= 0 { child.pointee.credit &+= quantum }
            guard child.pointee.credit > 0 else {
                node.pointee.turn = child.pointee.next
                continue
            }
            let begin = charged
            let served = serve(child)
            charged = Ticks.now
            let cost = min(Int64(bitPattern: charged &- begin), Self.maximumCharge &* quantum)
            child.pointee.credit = served ? child.pointee.credit &- cost : -cost
            if child.pointee.credit <= 0 { node.pointee.turn = child.pointee.next }
            if served { return true }
            idle &+= 1
        }
        return false
    }

    /// Whether a ring has work: sequentially consistent with doorbells.
    private func hasWork(_ node: Place) -> Bool {
        if let consumer = node.pointee.consumer { return consumer.pointee.hasWork() }
        guard let first = node.pointee.turn else { return false }
        var child = first
        repeat {
            if hasWork(child) { return true }
            child = Self.following(child)
        } while child != first
        return false
    }
}
