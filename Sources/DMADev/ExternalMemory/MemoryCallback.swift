/// A change of a ``MemoryTable``; `enum rte_mem_event`.
public enum MemoryEvent: UInt8, Sendable, Hashable {
    /// A region was registered or attached.
    case registered = 0
    /// A region is about to be unregistered or detached: its getters still work.
    case unregistering = 1
}

/// A callback for changes of a ``MemoryTable``; `rte_mem_event_callback_t` with its argument.
///
/// It runs on the thread that registers or unregisters, inside that call, without a lock: it may use all getters and
/// make any call of the table, also register other regions.
public final class MemoryCallback: Sendable {
    let body: @Sendable (MemoryEvent, MemoryRegion) -> Void
    /// Function and argument, for comparison of C registrations; `nil`: compare by identity.
    private let pair: [UInt]?

    /// A callback that equals only itself.
    public init(_ body: @escaping @Sendable (MemoryEvent, MemoryRegion) -> Void) {
        self.body = body
        pair = nil
    }

    /// A callback that equals every other one with the same C function and argument.
    ///
    /// - Parameters:
    ///   - function: the function's address.
    ///   - argument: the address or number that is passed to it.
    ///   - body: receives the change and the region.
    public init(
        function: UInt, argument: UInt, _ body: @escaping @Sendable (MemoryEvent, MemoryRegion) -> Void
    ) {
        self.body = body
        pair = [function, argument]
    }

    func isSame(as other: MemoryCallback) -> Bool {
        self === other || pair != nil && pair == other.pair
    }
}
