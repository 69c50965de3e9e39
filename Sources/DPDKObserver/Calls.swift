// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation
public import CDPDKObserver

// What the stub calls, by way of the table that dmascope_observer() returns. Their documentation is in dmascope_dpdk.h.

@c @implementation
public func dpdkobserver_attach(_ device: UnsafePointer<dmascope_dpdk_device>) -> UnsafePointer<CChar>? {
    Observer.shared.attach(device)
}

@c @implementation
public func dpdkobserver_detach(_ id: Int16) { Observer.shared.detach(id) }

@c @implementation
public func dpdkobserver_closed(_ id: Int16) { Observer.shared.closed(id) }

@c @implementation
public func dpdkobserver_reset(_ id: Int16, _ vchan: UInt16) { Observer.shared.reset(id, vchan) }
