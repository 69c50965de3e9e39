import DMADev
import SystemPackage
import Testing

/// A device's life and what it says of itself; no data moves but where a call needs some.
let deviceCases: [ConformanceCase] = [
    ConformanceCase("is found by name and number", movesData: false, on: .freshDevice, isFound),
    ConformanceCase("says what it is", movesData: false, on: .freshDevice, saysWhatItIs),
    ConformanceCase("takes every configuration within its limits", movesData: false, on: .freshDevice, configures),
    ConformanceCase(
        "refuses configurations beyond its limits", movesData: false, on: .freshDevice, refusesConfigurations),
    ConformanceCase("takes every ring size within its limits", movesData: false, on: .freshDevice, setsUpChannels),
    ConformanceCase("refuses channels that it cannot have", movesData: false, on: .freshDevice, refusesChannels),
    ConformanceCase("starts once everything is set up, and stops", movesData: false, on: .freshDevice, startsAndStops),
    ConformanceCase("is not changed while it runs", movesData: false, on: .everyDevice, isBusyWhileStarted),
    ConformanceCase("works after it was configured anew", on: .freshDevice, reconfigures),
    ConformanceCase(
        "answers data calls with errors unless it runs", movesData: false, on: .freshDevice, refusesDataCalls),
    ConformanceCase("refuses flags and channels that it lacks", on: .everyDevice, refusesFlagsAndChannels),
    ConformanceCase("refuses operations that it does not offer", movesData: false, on: .everyDevice, refusesOperations),
    ConformanceCase("dumps itself as text", movesData: false, on: .everyDevice, dumps),
    ConformanceCase("dumps no nonsense while it works", dumpsWhileWorking),
    ConformanceCase("is read while it starts and stops", isReadWhileItRestarts),
    ConformanceCase("is gone after it was closed", movesData: false, on: .freshDevice, closes),
]

private func isFound(_ bench: ConformanceBench) throws {
    let options = bench.options
    #expect(try options.registry.device(named: options.name) === bench.device)
    #expect(try options.registry.device(bench.device.id) === bench.device)
    #expect(options.registry.isValid(bench.device.id))
    #expect(options.registry.count == 1)
    #expect(bench.device.name == options.name)
}

private func saysWhatItIs(_ bench: ConformanceBench) throws {
    let info = try bench.device.info
    let properties = info.properties
    #expect(info.name == bench.options.name)
    #expect(!properties.driver.isEmpty)
    #expect((info.virtualChannelCount, info.isStarted) == (0, false))
    #expect(properties.maximumVirtualChannelCount >= 1)
    #expect((1...properties.maximumDescriptorCount).contains(properties.minimumDescriptorCount))
    #expect(properties.maximumDescriptorCount <= 32768)
    if properties.capabilities.contains(.copyScatterGather) {
        #expect((1...64).contains(properties.maximumEntryCount))
    }
    #expect(Capabilities.table.reduce(properties.capabilities) { $0.subtracting($1.capability) }.isEmpty)
    #expect(properties.capabilities.contains(.strictPriority) == (properties.priorityCount > 0))
    try bench.setUpAndStart()
    let started = try bench.device.info
    #expect((started.virtualChannelCount, started.isStarted) == (bench.channelCount, true))
    #expect(started.properties == properties)
}

private func configures(_ bench: ConformanceBench) throws {
    let most = bench.properties.maximumVirtualChannelCount
    for count in Set([1, most / 2, most]) where count > 0 {
        try bench.device.configure(DeviceConfiguration(virtualChannelCount: count))
        #expect(try bench.device.info.virtualChannelCount == count)
    }
    for priority in 0..<max(bench.properties.priorityCount, 1) {
        try bench.device.configure(DeviceConfiguration(virtualChannelCount: 1, priority: priority))
        #expect(bench.device.view.configuration?.device.priority == priority)
    }
}

private func refusesConfigurations(_ bench: ConformanceBench) throws {
    let properties = bench.properties
    var refused = [
        DeviceConfiguration(virtualChannelCount: 0),
        DeviceConfiguration(virtualChannelCount: 1, priority: max(properties.priorityCount, 1)),
        DeviceConfiguration(virtualChannelCount: 1, flags: ConfigurationFlags(rawValue: 1 << 2)),
        DeviceConfiguration(virtualChannelCount: 1, flags: ConfigurationFlags(rawValue: 1 << 63)),
    ]
    if properties.maximumVirtualChannelCount < .max {
        refused.append(DeviceConfiguration(virtualChannelCount: properties.maximumVirtualChannelCount + 1))
    }
    if !properties.capabilities.contains(.silent) {
        refused.append(DeviceConfiguration(virtualChannelCount: 1, flags: .silent))
    }
    if !properties.capabilities.contains(.enqueueDequeue) {
        refused.append(DeviceConfiguration(virtualChannelCount: 1, flags: .enqueueDequeue))
    }
    for configuration in refused {
        expect(.invalidArgument, "\(configuration)") { try bench.device.configure(configuration) }
    }
    #expect(try bench.device.info.virtualChannelCount == 0)
}

private func setsUpChannels(_ bench: ConformanceBench) throws {
    let (least, most) = (bench.properties.minimumDescriptorCount, bench.properties.maximumDescriptorCount)
    try bench.device.configure(DeviceConfiguration(virtualChannelCount: 1))
    for count in [least, least + (most - least) / 3, most - (most - least) / 3, most] {
        let configuration = VirtualChannelConfiguration(descriptorCount: count)
        try bench.device.setUpVirtualChannel(0, configuration: configuration)
        try bench.device.start()
        #expect(try bench.device.virtualChannel(0).burstCapacity == Int(count))
        #expect(bench.device.view.configuration?.channels == [configuration])
        try bench.device.stop()
    }
}

private func refusesChannels(_ bench: ConformanceBench) throws {
    let properties = bench.properties
    let good = VirtualChannelConfiguration(descriptorCount: properties.minimumDescriptorCount)
    func refuses(_ vchan: UInt16 = 0, _ change: (inout VirtualChannelConfiguration) -> Void = { _ in }) {
        var configuration = good
        change(&configuration)
        expect(.invalidArgument, "\(configuration)") {
            try bench.device.setUpVirtualChannel(vchan, configuration: configuration)
        }
    }
    refuses()  // not configured
    try bench.device.configure(DeviceConfiguration(virtualChannelCount: 1))
    refuses(1)
    refuses(.max)
    refuses { $0.descriptorCount = properties.minimumDescriptorCount - 1 }
    refuses { $0.descriptorCount = properties.maximumDescriptorCount + 1 }
    refuses { $0.direction = TransferDirection(rawValue: 4) }
    refuses { $0.direction = TransferDirection(rawValue: -1) }
    refuses { $0.sourcePort = Port(type: .pcie) }
    refuses { $0.destinationPort = Port(type: .pcie) }
    refuses { $0.sourcePort = Port(type: PortType(rawValue: 2)) }
    refuses { $0.domain = InterDomain(type: .none, sourceHandler: 1) }
    refuses { $0.domain = InterDomain(type: .process) }
    refuses { $0.domain = InterDomain(type: InterDomainType(rawValue: 3), sourceHandler: 1) }
    let directions: [(TransferDirection, Capabilities, from: Bool, to: Bool)] = [
        (.mem2dev, .mem2dev, false, true), (.dev2mem, .dev2mem, true, false), (.dev2dev, .dev2dev, true, true),
    ]
    for (direction, capability, startsAtDevice, endsAtDevice) in directions {
        refuses { $0.direction = direction }  // no port
        guard !properties.capabilities.contains(capability) else { continue }
        refuses {
            $0.direction = direction
            if startsAtDevice { $0.sourcePort = Port(type: .pcie) }
            if endsAtDevice { $0.destinationPort = Port(type: .pcie) }
        }
    }
    if !properties.capabilities.contains(.interProcessDomain) {
        refuses { $0.domain = InterDomain(type: .process, sourceHandler: 1) }
    }
    if !properties.capabilities.contains(.interOSDomain) {
        refuses { $0.domain = InterDomain(type: .operatingSystem, destinationHandler: 1) }
    }
}

private func startsAndStops(_ bench: ConformanceBench) throws {
    let device = bench.device
    try device.stop()
    expect(.invalidArgument) { try device.start() }
    let channels = min(2, bench.properties.maximumVirtualChannelCount)
    try device.configure(DeviceConfiguration(virtualChannelCount: channels))
    for vchan in 0..<channels {
        expect(.invalidArgument, "channel \(vchan) is not set up") { try device.start() }
        #expect(try !device.info.isStarted)
        try device.setUpVirtualChannel(
            vchan,
            configuration: VirtualChannelConfiguration(descriptorCount: bench.descriptorCount))
    }
    for _ in 0..<3 {
        try device.start()
        try device.start()
        #expect(try device.info.isStarted)
        try device.stop()
        try device.stop()
        #expect(try !device.info.isStarted)
    }
    // A new configuration asks for its channels anew.
    try device.configure(DeviceConfiguration(virtualChannelCount: 1))
    expect(.invalidArgument) { try device.start() }
}

private func isBusyWhileStarted(_ bench: ConformanceBench) throws {
    let (device, before) = (bench.device, try bench.device.info)
    expect(.resourceBusy) { try device.configure(DeviceConfiguration(virtualChannelCount: 0)) }
    expect(.resourceBusy) {
        try device.setUpVirtualChannel(.max, configuration: VirtualChannelConfiguration(descriptorCount: 0))
    }
    expect(.resourceBusy) { try device.close() }
    #expect(try device.info == before)
    #expect(try bench.channel().burstCapacity == Int(bench.descriptorCount))
}

private func reconfigures(_ bench: ConformanceBench) throws {
    let most = min(4, bench.properties.maximumVirtualChannelCount)
    for count in [1, most, 1, most] {
        try bench.device.configure(DeviceConfiguration(virtualChannelCount: count))
        for vchan in 0..<count {
            try bench.device.setUpVirtualChannel(
                vchan, configuration: VirtualChannelConfiguration(descriptorCount: bench.descriptorCount))
        }
        try bench.device.start()
        for vchan in 0..<count {
            let (channel, slab) = (try bench.device.virtualChannel(vchan), bench.slab(1))
            #expect(try slab.enqueue(0, on: channel, flags: .submit) == 0)
            #expect(try channel.statuses(1) == [.successful])
            slab.expectWritten { _ in true }
        }
        if count < most { expect(.invalidArgument) { _ = try bench.device.virtualChannel(count) } }
        try bench.device.stop()
    }
}

private func refusesDataCalls(_ bench: ConformanceBench) throws {
    expect(.invalidArgument) { _ = try bench.device.virtualChannel(0) }
    try bench.device.configure(DeviceConfiguration(virtualChannelCount: 1))
    let channel = try bench.device.virtualChannel(0)
    expectNoDataCallWorks(channel)
    try bench.setUpAndStart()
    let slab = bench.slab(1)
    if bench.movesData {
        try slab.enqueue(0, on: channel, flags: .submit)
        #expect(try channel.statuses(1) == [.successful])
    }
    try bench.device.stop()
    expectNoDataCallWorks(channel)
    try bench.device.configure(DeviceConfiguration(virtualChannelCount: 1))
    expectNoDataCallWorks(channel)
    try bench.device.close()
    expectNoDataCallWorks(channel, .closed)
}

private func refusesFlagsAndChannels(_ bench: ConformanceBench) throws {
    let (channel, slab) = (try bench.channel(), bench.slab(3))
    // A handler needs the flag that says whose it is.
    var flags = [8, 31, 32, 63].map { OperationFlags(rawValue: 1 << $0) }
    let capabilities = bench.properties.capabilities
    if !capabilities.contains(.interProcessDomain) { flags.append(.source(0, of: .process)) }
    if !capabilities.contains(.interOSDomain) { flags.append(.source(0, of: .operatingSystem)) }
    if !capabilities.contains(.autoFree) { flags.append(.autoFree) }
    for flag in flags {
        for slot in 0..<3 {
            expectRefusal(.flag, .invalidArgument) { try slab.enqueue(slot, on: channel, flags: [flag, .submit]) }
        }
    }
    slab.expectWritten { _ in false }
    #expect(try channel.burstCapacity == Int(bench.descriptorCount))
    for vchan in [bench.channelCount, .max] {
        expect(.invalidArgument) { _ = try bench.device.virtualChannel(vchan) }
        expect(.invalidArgument) { _ = try bench.device.statistics(of: vchan) }
        expect(.invalidArgument) { _ = try bench.device.status(of: vchan) }
        expect(.invalidArgument) { try bench.device.resetStatistics(of: vchan) }
    }
}

private func refusesOperations(_ bench: ConformanceBench) throws {
    let (channel, memory) = (try bench.channel(), GuardedMemory(16))
    let kinds = Slab.Kind.offered(by: bench.properties.capabilities)
    for kind in Slab.Kind.allCases where !kinds.contains(kind) {
        expectRefusal(.notSupported, .notSupported) {
            try Slab(slots: 1, kinds: [kind]).enqueue(0, on: channel, flags: .submit)
        }
    }
    memory.expect(GuardedMemory.untouched(16))
    #expect(try channel.burstCapacity == Int(bench.descriptorCount))
}

private func dumps(_ bench: ConformanceBench) throws {
    let text = try bench.device.dump()
    #expect(text.contains("'\(bench.options.name)' [started]"))
    #expect(text.contains("driver: \(bench.properties.driver)"))
    #expect(text.contains("nb_vchans_configured: \(bench.channelCount)\n"))
    #expect(text.contains("nb_desc: \(bench.descriptorCount)\n"))
    for name in bench.properties.capabilities.names { #expect(text.contains(" \(name)")) }
    try bench.device.stop()
    #expect(try bench.device.dump().contains("[stopped]"))
}

private func dumpsWhileWorking(_ bench: ConformanceBench) throws {
    let (device, vchan, count) = (bench.device, bench.channelCount - 1, bench.burst(upTo: 16))
    let kinds = Slab.Kind.offered(by: bench.properties.capabilities)
    try alternate(200) {
        let (channel, slab) = (try device.virtualChannel(vchan), Slab(slots: count, kinds: kinds))
        return {
            for slot in 0..<count { try slab.enqueue(slot, on: channel) }
            try channel.submit()
            _ = try channel.statuses(count)
        }
    } while: { [descriptorCount = bench.descriptorCount] in
        for line in try device.dump().split(separator: "\n") where line.contains("desc_") {
            let number = line.split(separator: " ").last.flatMap { UInt64($0) }
            if number.map({ $0 > descriptorCount }) ?? true { Issue.record("\(line)") }
        }
    }
}

private func isReadWhileItRestarts(_ bench: ConformanceBench) throws {
    let (device, vchan) = (bench.device, bench.channelCount - 1)
    let kinds = Slab.Kind.offered(by: bench.properties.capabilities)
    try alternate(200) {
        let (channel, slab) = (try device.virtualChannel(vchan), Slab(slots: 1, kinds: kinds))
        return {
            try slab.enqueue(0, on: channel, flags: .submit)
            try device.stop()
            try device.start()
        }
    } while: {
        _ = try (device.info, device.status(of: vchan), device.statistics, device.statistics(of: vchan), device.dump())
    }
    // Some were aborted, which is an error: how many is the engine's affair.
    let statistics = try device.statistics
    #expect(statistics.submitted == 200 && statistics.completed == 200)
}

private func closes(_ bench: ConformanceBench) throws {
    let device = bench.device
    try bench.setUpAndStart()
    let channel = try bench.channel()
    try device.stop()
    try device.close()
    #expect(!bench.options.registry.isValid(device.id))
    #expect(bench.options.registry.count == 0)
    expect(.invalidArgument) { try device.close() }
    expect(.invalidArgument) { try device.configure(DeviceConfiguration(virtualChannelCount: 1)) }
    expect(.invalidArgument) {
        try device.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: 64))
    }
    expect(.invalidArgument) { try device.start() }
    expect(.invalidArgument) { try device.stop() }
    expect(.invalidArgument) { _ = try device.info }
    expect(.invalidArgument) { _ = try device.statistics }
    expect(.invalidArgument) { _ = try device.statistics(of: 0) }
    expect(.invalidArgument) { try device.resetStatistics() }
    expect(.invalidArgument) { _ = try device.status(of: 0) }
    expect(.invalidArgument) { _ = try device.dump() }
    expectNoDataCallWorks(channel, .closed)
}
