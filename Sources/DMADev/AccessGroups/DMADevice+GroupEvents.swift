internal import CDMATrace
internal import SystemPackage

/// Callbacks for what befalls the groups of a device. Any thread may call, callbacks too.
extension DMADevice {
    /// Has a callback called for each event of a kind, of all groups of the device; `rte_dma_event_callback_register`.
    ///
    /// Events of what *others* do, each once, in order. Callbacks are called in the order of their registration.
    ///
    /// - Throws: `EINVAL` for an undefined event or a closed device, `EEXIST` when this callback is registered for it.
    public func registerEventCallback(_ callback: AccessGroupCallback, for event: AccessTableEvent) throws(DMAError) {
        try traced("event_callback_register") { ret in
            dmatrace_dmadev_event_callback_register(id, event.rawValue, ret)
        } _: { () throws(DMAError) in
            try mustBeOpen()
            try event.validate()
            try delivery.register(callback, for: .table(event))
        }
    }

    /// Ends exactly that registration; `rte_dma_event_callback_unregister`.
    ///
    /// When it returns, the callback is not running and will not be called for this event any more, with one exception: a
    /// callback that unregisters itself runs on to its end. So do not call it while you hold a lock that the callback
    /// takes.
    ///
    /// - Throws: `EINVAL` for an undefined event or a closed device, `ENOENT` when there is no such registration.
    public func unregisterEventCallback(_ callback: AccessGroupCallback, for event: AccessTableEvent) throws(DMAError) {
        try traced("event_callback_unregister") { ret in
            dmatrace_dmadev_event_callback_unregister(id, event.rawValue, ret)
        } _: { () throws(DMAError) in
            try mustBeOpen()
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
