internal import CDMATrace
internal import SystemPackage

/// Callbacks for changes of a device's groups. Any thread may call, including callbacks.
extension DMADevice {
    /// Registers a callback for one kind of event of all groups of the device; `rte_dma_event_callback_register`.
    ///
    /// It is called for changes of *other* members, each once, in order. Callbacks are called in the order of
    /// registration.
    ///
    /// - Throws: `EINVAL` for an undefined event or a closed device, `EEXIST` when the callback is already registered
    ///   for it.
    public func registerEventCallback(_ callback: AccessGroupCallback, for event: AccessTableEvent) throws(DMAError) {
        try traced("event_callback_register") { ret in
            dmatrace_dmadev_event_callback_register(id, event.rawValue, ret)
        } _: { () throws(DMAError) in
            try view.mustBeOpen()
            try event.validate()
            try delivery.register(callback, for: .table(event))
        }
    }

    /// Removes exactly this registration; `rte_dma_event_callback_unregister`.
    ///
    /// When it returns, the callback is not running and will not be called for this event again, with one exception: a
    /// callback that unregisters itself runs to its end. Do not call it while holding a lock that the callback takes:
    /// that is a deadlock.
    ///
    /// - Throws: `EINVAL` for an undefined event or a closed device, `ENOENT` without such a registration.
    public func unregisterEventCallback(_ callback: AccessGroupCallback, for event: AccessTableEvent) throws(DMAError) {
        try traced("event_callback_unregister") { ret in
            dmatrace_dmadev_event_callback_unregister(id, event.rawValue, ret)
        } _: { () throws(DMAError) in
            try view.mustBeOpen()
            try event.validate()
            try delivery.unregister(callback, for: .table(event))
        }
    }
}

extension AccessTableEvent {
    func validate() throws(DMAError) {
        guard isDefined else {
            throw .invalid("event \(rawValue): 0 (table update) and 1 (table destroy) are defined")
        }
    }
}

extension AccessGroupEvent {
    func traceReceived(by device: Int16) {
        guard dmatrace_dmadev_event_received_enabled() else { return }
        dmatrace_dmadev_event_received(device, kind.rawValue, group, handler, domain.bytes)
    }
}
