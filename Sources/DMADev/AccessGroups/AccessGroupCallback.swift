/// A callback for changes of groups; `rte_dma_event_callback` with its argument, and
/// `rte_dma_access_pair_group_event_cb_t`.
///
/// It runs on the device's delivery thread, one event at a time, never inside a call of the application. It may call
/// the library and unregister itself; while it runs, further events of the device are queued.
public final class AccessGroupCallback: Sendable {
    let body: @Sendable (_ device: Int16, _ event: AccessGroupEvent) -> Void
    /// Function and argument, for comparison of C registrations; `nil`: compare by identity.
    private let pair: [UInt]?

    /// A callback that equals only itself.
    public init(_ body: @escaping @Sendable (_ device: Int16, _ event: AccessGroupEvent) -> Void) {
        self.body = body
        pair = nil
    }

    /// A callback that equals every other one with the same C function and argument.
    ///
    /// - Parameters:
    ///   - function: the function's address.
    ///   - argument: the address or number that is passed to it.
    ///   - body: receives the device and the event.
    public init(
        function: UInt, argument: UInt, _ body: @escaping @Sendable (_ device: Int16, _ event: AccessGroupEvent) -> Void
    ) {
        self.body = body
        pair = [function, argument]
    }

    func isSame(as other: AccessGroupCallback) -> Bool {
        self === other || pair != nil && pair == other.pair
    }
}
