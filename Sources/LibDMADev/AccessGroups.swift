// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation
public import CDMADev
internal import DMADev

// The functions of dmadev.h under *Access groups*. Their documentation is there.

/// The domain in an argument: NULL is that of the process.
private func domain(_ bytes: UnsafePointer<UInt8>?, _ library: Library) -> DomainID {
    guard let bytes else { return library.domain }
    // As many bytes as it takes.
    return DomainID(bytes: UnsafeBufferPointer(start: bytes, count: DomainID.byteCount)).unsafelyUnwrapped
}

private func token(_ bytes: UnsafePointer<UInt8>?) throws(DMAError) -> AccessToken {
    let bytes = UnsafeRawBufferPointer(start: try required(bytes, "token"), count: AccessToken.byteCount)
    guard let token = AccessToken(bytes: bytes) else { throw invalid("token: there is no locked memory for it") }
    return token
}

@c @implementation
public func dmadev_access_group_create(
    _ dev_id: Int16, _ domainBytes: UnsafePointer<UInt8>!, _ tokenBytes: UnsafePointer<UInt8>!, _ limit: UInt16,
    _ group_id: UnsafeMutablePointer<Int16>!
) -> Int32 {
    onDevice(dev_id) { (device, library) throws(DMAError) in
        let group = try required(group_id, "group_id")
        group.pointee = try device.createAccessGroup(
            domain: domain(domainBytes, library), token: try token(tokenBytes), limit: limit)
    }
}

@c @implementation
public func dmadev_access_group_join(
    _ dev_id: Int16, _ group_id: Int16, _ domainBytes: UnsafePointer<UInt8>!, _ tokenBytes: UnsafePointer<UInt8>!,
    _ handler: UnsafeMutablePointer<UInt16>!
) -> Int32 {
    onDevice(dev_id) { (device, library) throws(DMAError) in
        let own = try device.joinAccessGroup(
            group_id, domain: domain(domainBytes, library), token: try token(tokenBytes))
        if let handler { handler.pointee = own }
    }
}

@c @implementation
public func dmadev_access_group_leave(_ dev_id: Int16, _ group_id: Int16) -> Int32 {
    onDevice(dev_id) { (device, _) throws(DMAError) in try device.leaveAccessGroup(group_id) }
}

@c @implementation
public func dmadev_access_group_destroy(_ dev_id: Int16, _ group_id: Int16) -> Int32 {
    onDevice(dev_id) { (device, _) throws(DMAError) in try device.destroyAccessGroup(group_id) }
}

@c @implementation
public func dmadev_access_group_size_get(_ dev_id: Int16, _ group_id: Int16) -> Int32 {
    result { library throws(DMAError) in try library.device(dev_id).accessGroupSize(group_id) }
}

@c @implementation
public func dmadev_access_group_get(
    _ dev_id: Int16, _ group_id: Int16, _ members: UnsafeMutablePointer<dmadev_access_group_member>!, _ nb: UInt16
) -> Int32 {
    result { library throws(DMAError) in
        let found = try library.device(dev_id).accessGroupTable(group_id).map { member in
            var row = dmadev_access_group_member()
            withUnsafeMutableBytes(of: &row.domain) { $0.copyBytes(from: member.domain.bytes) }
            row.handler = member.handler
            row.is_creator = member.isCreator
            return row
        }
        return try write(found, to: members, Int(nb))
    }
}

@c @implementation
public func dmadev_access_group_handler_get(
    _ dev_id: Int16, _ group_id: Int16, _ domainBytes: UnsafePointer<UInt8>!, _ handler: UnsafeMutablePointer<UInt16>!
) -> Int32 {
    onDevice(dev_id) { (device, library) throws(DMAError) in
        let handler = try required(handler, "handler")
        handler.pointee = try device.accessGroupHandler(of: domain(domainBytes, library), in: group_id)
    }
}

// MARK: Pair groups

/// The callback of a C caller; events that C callers do not have are left out.
private func callback(
    _ function: dmadev_pair_group_callback_t?, _ argument: UnsafeMutableRawPointer?
) -> AccessGroupCallback? {
    guard let function else { return nil }
    let argument = UInt(bitPattern: argument)
    return AccessGroupCallback { (device, event) in
        guard event.kind.rawValue <= AccessGroupEvent.Kind.windowClosed.rawValue else { return }
        event.domain.bytes.withUnsafeBufferPointer { bytes in
            function(
                device, event.group, bytes.baseAddress, dmadev_group_event(rawValue: UInt32(event.kind.rawValue)),
                UnsafeMutableRawPointer(bitPattern: argument))
        }
    }
}

@c @implementation
public func dmadev_access_pair_group_create(
    _ dev_id: Int16, _ domainBytes: UnsafePointer<UInt8>!, _ tokenBytes: UnsafePointer<UInt8>!,
    _ function: dmadev_pair_group_callback_t!, _ arg: UnsafeMutableRawPointer!, _ group_id: UnsafeMutablePointer<Int16>!
) -> Int32 {
    onDevice(dev_id) { (device, library) throws(DMAError) in
        let group = try required(group_id, "group_id")
        group.pointee = try device.createAccessPairGroup(
            domain: domain(domainBytes, library), token: try token(tokenBytes), callback: callback(function, arg))
    }
}

@c @implementation
public func dmadev_access_pair_group_join(
    _ dev_id: Int16, _ group_id: Int16, _ domainBytes: UnsafePointer<UInt8>!, _ tokenBytes: UnsafePointer<UInt8>!,
    _ function: dmadev_pair_group_callback_t!, _ arg: UnsafeMutableRawPointer!, _ handler: UnsafeMutablePointer<UInt16>!
) -> Int32 {
    onDevice(dev_id) { (device, library) throws(DMAError) in
        let own = try device.joinAccessPairGroup(
            group_id, domain: domain(domainBytes, library), token: try token(tokenBytes),
            callback: callback(function, arg))
        if let handler { handler.pointee = own }
    }
}

@c @implementation
public func dmadev_access_pair_group_leave(_ dev_id: Int16, _ group_id: Int16) -> Int32 {
    onDevice(dev_id) { (device, _) throws(DMAError) in try device.leaveAccessPairGroup(group_id) }
}

@c @implementation
public func dmadev_access_pair_group_destroy(_ dev_id: Int16, _ group_id: Int16) -> Int32 {
    onDevice(dev_id) { (device, _) throws(DMAError) in try device.destroyAccessPairGroup(group_id) }
}

@c @implementation
public func dmadev_access_pair_group_handler_get(
    _ dev_id: Int16, _ group_id: Int16, _ domainBytes: UnsafePointer<UInt8>!, _ handler: UnsafeMutablePointer<UInt16>!
) -> Int32 {
    onDevice(dev_id) { (device, library) throws(DMAError) in
        let handler = try required(handler, "handler")
        handler.pointee = try device.accessPairGroupHandler(of: domain(domainBytes, library), in: group_id)
    }
}

// MARK: Events

/// The registration of a C caller: equal for the same function and argument.
private func callback(
    _ function: dmadev_event_callback_t?, _ argument: UnsafeMutableRawPointer?, for event: AccessTableEvent
) throws(DMAError) -> AccessGroupCallback {
    let function = try required(function, "callback")
    let argument = UInt(bitPattern: argument)
    return AccessGroupCallback(function: UInt(bitPattern: unsafeBitCast(function, to: Int.self)), argument: argument) {
        (device, _) in
        function(
            device, dmadev_event(rawValue: UInt32(bitPattern: event.rawValue)),
            UnsafeMutableRawPointer(bitPattern: argument))
    }
}

@c @implementation
public func dmadev_event_callback_register(
    _ dev_id: Int16, _ event: dmadev_event, _ function: dmadev_event_callback_t!, _ arg: UnsafeMutableRawPointer!
) -> Int32 {
    onDevice(dev_id) { (device, _) throws(DMAError) in
        let event = AccessTableEvent(rawValue: Int32(bitPattern: event.rawValue))
        try device.registerEventCallback(try callback(function, arg, for: event), for: event)
    }
}

@c @implementation
public func dmadev_event_callback_unregister(
    _ dev_id: Int16, _ event: dmadev_event, _ function: dmadev_event_callback_t!, _ arg: UnsafeMutableRawPointer!
) -> Int32 {
    onDevice(dev_id) { (device, _) throws(DMAError) in
        let event = AccessTableEvent(rawValue: Int32(bitPattern: event.rawValue))
        try device.unregisterEventCallback(try callback(function, arg, for: event), for: event)
    }
}

// MARK: Windows

private func row(_ window: DomainWindow) -> dmadev_window {
    dmadev_window(
        iova: window.iova, length: window.length, rights: window.rights.rawValue, handler: window.handler, reserved: 0)
}

@c @implementation
public func dmadev_access_group_window_register(
    _ dev_id: Int16, _ group_id: Int16, _ addr: UnsafeMutableRawPointer!, _ length: Int, _ fd: Int32,
    _ offset: UInt64, _ rights: UInt32, _ window: UnsafeMutablePointer<dmadev_window>!
) -> Int32 {
    onDevice(dev_id) { (device, _) throws(DMAError) in
        let opened = try device.registerWindow(
            WindowMemory(
                address: UInt64(UInt(bitPattern: addr)), length: UInt64(UInt(bitPattern: length)),
                descriptor: fd == -1 ? nil : fd, offset: offset),
            rights: WindowRights(rawValue: rights), in: group_id)
        if let window { window.initialize(to: row(opened)) }
    }
}

@c @implementation
public func dmadev_access_group_window_unregister(_ dev_id: Int16, _ iova: UInt64) -> Int32 {
    onDevice(dev_id) { (device, _) throws(DMAError) in try device.unregisterWindow(iova: iova) }
}

@c @implementation
public func dmadev_access_group_windows(
    _ dev_id: Int16, _ group_id: Int16, _ windows: UnsafeMutablePointer<dmadev_window>!, _ nb: UInt32
) -> Int32 {
    result { library throws(DMAError) in
        try write(try library.device(dev_id).accessGroupWindows(group_id).map(row), to: windows, Int(nb))
    }
}
