/// What an application wants to be called with when its groups change; `rte_dma_event_callback` and its argument, and
/// `rte_dma_access_pair_group_event_cb_t`.
///
/// It runs on the device's delivery thread, one event after the other, never inside a call of the application's own. It
/// may call back into the library, also unregister itself; while it runs, the device's further events wait.
public final class AccessGroupCallback: Sendable {
    let body: @Sendable (_ device: Int16, _ event: AccessGroupEvent) -> Void
    /// A function and its argument, where they are what two registrations are compared by.
    private let pair: [UInt]?

    /// A callback that is the same as no other one.
    public init(_ body: @escaping @Sendable (_ device: Int16, _ event: AccessGroupEvent) -> Void) {
        self.body = body
        pair = nil
    }

    /// A callback that is the same as any other one of this function and argument, as C knows them.
    ///
    /// - Parameters:
    ///   - function: the function's address.
    ///   - argument: the address, or number, that it is called with.
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
