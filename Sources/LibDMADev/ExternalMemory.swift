// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation
public import CDMADev
internal import DMADev
internal import Glibc
internal import SystemPackage

// The functions of dmadev.h under *External memory* and *Interconnects*. Their documentation is there.

extension Library {
    /// The region with an address.
    func region(_ address: UnsafeRawPointer?) throws(DMAError) -> MemoryRegion {
        try registry.memory.lookUp(UInt64(UInt(bitPattern: try required(address, "addr"))))
    }
}

private func number(_ address: UnsafeMutableRawPointer?) -> UInt64 { UInt64(UInt(bitPattern: address)) }

private func list(_ iovas: UnsafePointer<UInt64>?, _ count: UInt32) throws(DMAError) -> [UInt64]? {
    guard count > 0 else { return nil }
    return Array(UnsafeBufferPointer(start: try required(iovas, "iovas"), count: Int(count)))
}

@c @implementation
public func dmadev_extmem_register(
    _ addr: UnsafeMutableRawPointer!, _ length: Int, _ iovas: UnsafePointer<UInt64>!, _ n_pages: UInt32,
    _ page_size: Int
) -> Int32 {
    outcome { library throws(DMAError) in
        try library.registry.memory.registerMemory(
            at: number(addr), byteCount: UInt64(UInt(bitPattern: length)), iovas: try list(iovas, n_pages),
            pageSize: UInt64(UInt(bitPattern: page_size)))
    }
}

@c @implementation
public func dmadev_extmem_register_dmabuf(
    _ addr: UnsafeMutableRawPointer!, _ length: Int, _ fd: Int32, _ offset: UInt64, _ iovas: UnsafePointer<UInt64>!,
    _ n_pages: UInt32, _ page_size: Int
) -> Int32 {
    outcome { library throws(DMAError) in
        try library.registry.memory.registerDMABuffer(
            fd, offset: offset, at: number(addr), byteCount: UInt64(UInt(bitPattern: length)),
            iovas: try list(iovas, n_pages), pageSize: UInt64(UInt(bitPattern: page_size)))
    }
}

@c @implementation
public func dmadev_extmem_unregister(_ addr: UnsafeMutableRawPointer!, _ length: Int) -> Int32 {
    outcome { library throws(DMAError) in
        try library.registry.memory.unregisterMemory(at: number(addr), byteCount: UInt64(UInt(bitPattern: length)))
    }
}

@c @implementation
public func dmadev_extmem_info_get(
    _ addr: UnsafeRawPointer!, _ info: UnsafeMutablePointer<dmadev_extmem_info>!
) -> Int32 {
    outcome { library throws(DMAError) in
        let (info, region) = (try required(info, "info"), try library.region(addr))
        var values = dmadev_extmem_info()
        values.addr = UnsafeMutableRawPointer(bitPattern: UInt(region.address))
        values.length = Int(region.byteCount)
        values.page_size = Int(region.pageSize)
        values.fd = try region.dmaBufferDescriptor ?? -1
        values.is_attached = region.isAttached
        values.offset = try region.dmaBufferOffset ?? 0
        values.inode = region.file?.inode ?? 0
        info.initialize(to: values)
    }
}

@c @implementation
public func dmadev_extmem_dup_fd(_ addr: UnsafeRawPointer!) -> Int32 {
    result { library throws(DMAError) in
        let region = try library.region(addr)
        guard let descriptor = try region.duplicateDMABufferDescriptor() else {
            throw DMAError(.notSupported, .notSupported, "\(region) has no file")
        }
        return Int(descriptor)
    }
}

@c @implementation
public func dmadev_extmem_iova_get(_ addr: UnsafeRawPointer!, _ iova: UnsafeMutablePointer<UInt64>!) -> Int32 {
    outcome { library throws(DMAError) in
        let iova = try required(iova, "iova")
        iova.pointee = try library.region(addr).iova(of: UInt64(UInt(bitPattern: addr)))
    }
}

// MARK: Between processes

@c @implementation
public func dmadev_extmem_send(_ addr: UnsafeRawPointer!, _ socket: Int32) -> Int32 {
    outcome { library throws(DMAError) in try library.registry.memory.send(try library.region(addr), over: socket) }
}

@c @implementation
public func dmadev_extmem_receive(
    _ socket: Int32, _ addr: UnsafeMutablePointer<UnsafeMutableRawPointer?>!, _ length: UnsafeMutablePointer<Int>!
) -> Int32 {
    outcome { library throws(DMAError) in
        let (addr, length) = (try required(addr, "addr"), try required(length, "length"))
        let memory = library.registry.memory
        let region = try memory.attach(try memory.receive(from: socket))
        addr.pointee = UnsafeMutableRawPointer(bitPattern: UInt(region.address))
        length.pointee = Int(region.byteCount)
    }
}

@c @implementation
public func dmadev_extmem_detach(_ addr: UnsafeMutableRawPointer!) -> Int32 {
    outcome { library throws(DMAError) in try library.registry.memory.detach(try library.region(addr)) }
}

// MARK: Callbacks

private func callback(
    _ function: dmadev_extmem_callback_t?, _ argument: UnsafeMutableRawPointer?
) throws(DMAError) -> MemoryCallback {
    let function = try required(function, "callback")
    let argument = UInt(bitPattern: argument)
    return MemoryCallback(function: UInt(bitPattern: unsafeBitCast(function, to: Int.self)), argument: argument) {
        (event, region) in
        function(
            dmadev_extmem_event(rawValue: UInt32(event.rawValue)),
            UnsafeMutableRawPointer(bitPattern: UInt(region.address)), Int(region.byteCount),
            UnsafeMutableRawPointer(bitPattern: argument))
    }
}

@c @implementation
public func dmadev_extmem_callback_register(
    _ function: dmadev_extmem_callback_t!, _ arg: UnsafeMutableRawPointer!
) -> Int32 {
    outcome { library throws(DMAError) in try library.registry.memory.registerCallback(try callback(function, arg)) }
}

@c @implementation
public func dmadev_extmem_callback_unregister(
    _ function: dmadev_extmem_callback_t!, _ arg: UnsafeMutableRawPointer!
) -> Int32 {
    outcome { library throws(DMAError) in try library.registry.memory.unregisterCallback(try callback(function, arg)) }
}

// MARK: Devices

@c @implementation
public func dmadev_extmem_map(
    _ dev_id: Int16, _ addr: UnsafeRawPointer!, _ iova: UnsafeMutablePointer<UInt64>!
) -> Int32 {
    onDevice(dev_id) { (device, library) throws(DMAError) in
        let iova = try required(iova, "iova")
        iova.pointee = try device.mapMemory(
            try library.region(addr), iova: iova.pointee == .max ? nil : iova.pointee)
    }
}

@c @implementation
public func dmadev_extmem_unmap(_ dev_id: Int16, _ addr: UnsafeRawPointer!) -> Int32 {
    onDevice(dev_id) { (device, library) throws(DMAError) in try device.unmapMemory(try library.region(addr)) }
}

// MARK: Interconnects

@c @implementation
public func dmadev_attach(
    _ dev_id: Int16, _ addr: UnsafeRawPointer!, _ attachment: UnsafeMutablePointer<UInt64>!
) -> Int32 {
    onDevice(dev_id) { (device, library) throws(DMAError) in
        let attachment = try required(attachment, "attachment")
        attachment.pointee = library.keep(try device.attach(try library.region(addr)))
    }
}

@c @implementation
public func dmadev_attachment_map(
    _ attachment: UInt64, _ direction: dmadev_mapping_direction, _ ranges: UnsafeMutablePointer<dmadev_range>!,
    _ nb: UInt32
) -> Int32 {
    result { library throws(DMAError) in
        guard let direction = MappingDirection(rawValue: UInt8(clamping: direction.rawValue)) else {
            throw invalid("direction \(direction.rawValue): 0 to 2 are defined")
        }
        if nb > 0 { _ = try required(ranges, "ranges") }
        let imported = try library.attachment(attachment).map(direction).map { range in
            dmadev_range(
                iova: range.address, length: range.byteCount, handler: range.handler, reserved: (0, 0, 0))
        }
        return try write(imported, to: ranges, Int(nb))
    }
}

@c @implementation
public func dmadev_attachment_unmap(_ attachment: UInt64) -> Int32 {
    outcome { library throws(DMAError) in try library.attachment(attachment).unmap() }
}

@c @implementation
public func dmadev_attachment_revoke(_ attachment: UInt64, _ timeout: UInt32) -> Int32 {
    outcome { library throws(DMAError) in
        try library.attachment(attachment).revoke(within: .milliseconds(Int64(timeout)))
    }
}

@c @implementation
public func dmadev_attachment_state(
    _ attachment: UInt64, _ state: UnsafeMutablePointer<dmadev_attachment_state>!
) -> Int32 {
    outcome { library throws(DMAError) in
        let state = try required(state, "state")
        let now = try library.attachment(attachment).state
        state.initialize(to: CDMADev.dmadev_attachment_state(rawValue: UInt32(now.rawValue)))
    }
}

@c @implementation
public func dmadev_attachment_interconnect(_ attachment: UInt64) -> UnsafePointer<CChar>! {
    value {
        (try? Library.shared.attachment(attachment)).flatMap { ConstantTexts.shared.pointer($0.interconnect.name) }
    }
}

@c @implementation
public func dmadev_detach(_ attachment: UInt64) -> Int32 {
    outcome { library throws(DMAError) in
        try library.attachment(attachment).detach()
        library.forget(attachment)
    }
}
