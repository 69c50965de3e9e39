import DMADev
import DMAEngine
import DMATelemetry
import SoftwareDriver
import Synchronization
import TelemetryServer
import TelemetryWire

// The examples of WritingApplications.md.

func life() throws {
    let engine = try Engine()
    let device = try DeviceRegistry.shared.add(SoftwareDevice(engine: engine), named: "dma0")
    try device.configure(DeviceConfiguration(virtualChannelCount: 2))
    for vchan in 0..<2 as Range<UInt16> {
        try device.setUpVirtualChannel(vchan, configuration: VirtualChannelConfiguration(descriptorCount: 500))
    }
    try device.start()

    try device.stop()
    try device.close()
}

func data() async throws {
    let (a, b, c) = (Memory(4096), Memory(4096), Memory(4096))
    let (source, copy, pattern) = (a.address, b.address, c.address)
    a.bytes[4095] = 1
    let device = try startedDevice()

    let channel = try device.virtualChannel(0)
    try channel.copy(from: source, to: copy, length: 4096)
    let last = try channel.fill(pattern, pattern: 0x0123_4567_89AB_CDEF, length: 4096)
    try channel.submit()

    var completions = try channel.completed(upTo: 32)
    while completions.lastIndex != last { completions = try channel.completed(upTo: 32) }

    try check(b.bytes[4095] == 1 && c.bytes[0] == 0xEF, "moved and filled")

    let buffer = try device.makeBuffer(byteCount: 8192)
    try device.map(buffer)
    try channel.copy(from: buffer, to: buffer, destinationOffset: 4096, byteCount: 4096, flags: .submit)

    let done = try await channel.nextCompleted(upTo: 32)

    try check(done.count == 1, "waited")
    try device.stop()
}

func lists() throws {
    let (first, second, whole) = (Memory(100), Memory(28), Memory(128))
    second.bytes[27] = 1
    let device = try startedDevice()
    let channel = try device.virtualChannel(0)

    let sources = [
        ScatterGatherEntry(address: first.address, length: 100),
        ScatterGatherEntry(address: second.address, length: 28),
    ]
    let destinations = [ScatterGatherEntry(address: whole.address, length: 128)]
    try sources.withUnsafeBufferPointer { sources in
        try destinations.withUnsafeBufferPointer { destinations in
            _ = try channel.copy(from: sources, to: destinations, flags: .submit)
        }
    }

    while try channel.completed(upTo: 1).count == 0 {}
    try check(whole.bytes[127] == 1, "joined")
    try device.stop()
}

func attachment() throws {
    let memory = Memory(4096)
    memory.bytes[4095] = 7
    let source = memory.address
    let device = try startedDevice()
    let channel = try device.virtualChannel(0)

    let frames = try MemoryExporter(name: "frames", byteCount: 1 << 20)
    let attachment = try device.attach(frames)
    let ranges = try attachment.map(.fromDevice)
    try channel.copy(from: source, to: ranges[0].address, length: 4096, flags: .submit)

    while try channel.completed(upTo: 1).count == 0 {}
    try attachment.detach()
    try check(frames.memory[4095] == 7, "copied into a buffer of another owner")
    try device.stop()
}

func fence() throws {
    let (from, to, word) = (Memory(4096), Memory(4096), Memory(8))
    let (message, mailbox, flag) = (from.address, to.address, word.address)
    let device = try startedDevice()
    let channel = try device.virtualChannel(0)

    try channel.copy(from: message, to: mailbox, length: 4096)
    try channel.fill(flag, pattern: 1, length: 8, flags: [.fence, .submit])

    while try channel.completed(upTo: 1).count == 0 {}
    try device.stop()
}

func statuses() throws {
    let (from, to) = (Memory(64), Memory(64))
    let device = try startedDevice()
    let channel = try device.virtualChannel(0)
    try channel.copy(from: from.address, to: to.address, length: 64)
    try channel.copy(from: 0, to: to.address, length: 64)
    try channel.copy(from: from.address, to: to.address, length: 64, flags: [.fence, .submit])
    var (done, failed): (Int, [CompletionStatus]) = (0, [])
    while done < 3 { try poll(channel, &done, &failed) }
    try check(failed == [.invalidSourceAddress, .notAttempted], "\(failed)")
    try check(device.statistics == Statistics(submitted: 3, completed: 3, errors: 2), "counted")

    do throws(OperationError) {
        try channel.copy(from: from.address, to: to.address, length: 0)
    } catch {
        try check(error.reason == .zeroLength, "\(error)")
    }
    try device.stop()
}

func poll(_ channel: VirtualChannel, _ done: inout Int, _ failed: inout [CompletionStatus]) throws {
    let completions = try channel.completed(upTo: 32)
    done += completions.count
    if completions.hasError {
        var statuses = [CompletionStatus](repeating: .unknown, count: 32)
        let count = try statuses.withUnsafeMutableBufferPointer { try channel.completedStatus(into: $0).count }
        done += count
        failed += statuses[..<count].filter { $0 != .successful }
    }
}

func silent() throws {
    let (from, to) = (Memory(64), Memory(64))
    let (source, destination) = (from.address, to.address)
    let device = try DeviceRegistry().add(SoftwareDevice(engine: Engine()), named: "silent")

    try device.configure(DeviceConfiguration(virtualChannelCount: 1, flags: .silent))
    try device.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: 32))
    try device.start()
    let channel = try device.virtualChannel(0)
    for _ in 0..<1000 {
        while try channel.burstCapacity == 0 {}
        try channel.copy(from: source, to: destination, length: 64, flags: .submit)
    }
    while try device.status(of: 0) != .idle {}

    try check(device.statistics.completed == 1000, "all done")
    try check((try? channel.completed(upTo: 1)) == nil, "nothing is polled")
    try device.stop()
}

func operations() throws {
    let (from, to) = (Memory(64), Memory(64))
    let (source, destination) = (from.address, to.address)
    let device = try startedDevice(flags: .enqueueDequeue)
    let channel = try device.virtualChannel(0)

    let operation = OperationBuffer(
        from: [ScatterGatherEntry(address: source, length: 64)],
        to: [ScatterGatherEntry(address: destination, length: 64)], userData: 42)
    try withUnsafePointer(to: operation.pointer) { first in
        _ = try channel.enqueue(UnsafeBufferPointer(start: first, count: 1))
    }
    var finished = Array(repeating: Optional(operation.pointer), count: 32)
    while try finished.withUnsafeMutableBufferPointer({ try channel.dequeue(into: $0) }) == 0 {}
    print("operation \(operation.userData): \(operation.status)")

    try check(finished[0]?.status == .successful, "it is back")
    try device.stop()
}

/// Counts the buffers that are at home.
final class Pool: BufferPool {
    private let home = Mutex<[UInt64]>([])

    func giveBack(_ address: UInt64) { home.withLock { $0.append(address) } }

    var count: Int { home.withLock { $0.count } }
}

func autoFree() throws {
    let buffer = Memory(64)
    guard let memory = DeviceMemory(byteCount: 4096) else { return }
    var options = SoftwareDevice.Options()
    options.deviceMemory = [PCIePort(core: 1): memory]
    let device = try DeviceRegistry().add(SoftwareDevice(engine: Engine(), options: options), named: "free")
    try device.configure(DeviceConfiguration(virtualChannelCount: 1))

    let pool = Pool()
    try device.setUpVirtualChannel(
        0,
        configuration: VirtualChannelConfiguration(
            direction: .mem2dev, descriptorCount: 64, destinationPort: .pcie(PCIePort(core: 1)), autoFreePool: pool))
    try device.start()
    let channel = try device.virtualChannel(0)
    try channel.copy(from: buffer.address, to: 0, length: 64, flags: [.autoFree, .submit])
    while try channel.completed(upTo: 1).count == 0 {}
    try check(pool.count == 1, "the buffer is at home")

    try device.stop()
}

func deviceMemory() throws {
    let block = Memory(512)
    guard let memory = DeviceMemory(byteCount: 1 << 20) else { return }
    memory.bytes[0x1000] = 9

    var options = SoftwareDevice.Options()
    options.deviceMemory = [PCIePort(physicalFunction: 2): memory]
    let device = try DeviceRegistry().add(SoftwareDevice(engine: Engine(), options: options), named: "disk")
    try device.configure(DeviceConfiguration(virtualChannelCount: 1))
    try device.setUpVirtualChannel(
        0,
        configuration: VirtualChannelConfiguration(
            direction: .dev2mem, descriptorCount: 64, sourcePort: .pcie(PCIePort(physicalFunction: 2))))
    try device.start()
    try device.virtualChannel(0).copy(from: 0x1000, to: block.address, length: 512, flags: .submit)

    while try device.status(of: 0) != .idle {}
    try check(block.bytes[0] == 9, "read from the device")
    try device.stop()
}

func mapping() throws {
    let buffer = Memory(8192)
    let memory = buffer.bytes
    memory[0] = 5

    var options = SoftwareDevice.Options()
    options.capabilities.remove(.sva)
    let device = try DeviceRegistry().add(SoftwareDevice(engine: Engine(), options: options), named: "mapped")
    let iova = try device.mapMemory(memory)

    try device.configure(DeviceConfiguration(virtualChannelCount: 1))
    try device.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: 64))
    try device.start()
    let channel = try device.virtualChannel(0)
    try channel.copy(from: iova, to: iova + 4096, length: 64, flags: .submit)
    while try channel.completed(upTo: 1).count == 0 {}
    try device.unmapMemory(iova: iova)

    try check(memory[4096] == 5, "moved by IOVA")
    try device.stop()
}

func priorities() throws {
    let engine = try Engine()
    let urgent = try DeviceRegistry.shared.add(SoftwareDevice(engine: engine, sharesEngine: true), named: "urgent")
    let patient = try DeviceRegistry.shared.add(SoftwareDevice(engine: engine, sharesEngine: true), named: "patient")
    try urgent.configure(DeviceConfiguration(virtualChannelCount: 1, priority: 0))
    try patient.configure(DeviceConfiguration(virtualChannelCount: 1, priority: 3))

    try urgent.close()
    try patient.close()
}

func counters() throws {
    let (from, to) = (Memory(64), Memory(64))
    let device = try startedDevice()
    try device.virtualChannel(0).copy(from: from.address, to: to.address, length: 64, flags: .submit)
    while try device.status(of: 0) != .idle {}

    let all = try device.statistics
    print("\(all.submitted) submitted, \(all.completed) completed, \(all.errors) failed")
    if let counters = device.view.counters(of: 0) {
        print("\(counters["bytes"] ?? 0) bytes, p99 \(counters.latency.percentile(0.99) ?? 0) ns")
    }

    try check(all == Statistics(submitted: 1, completed: 1), "counted")
    try device.stop()
}

func telemetry() throws {
    let version = TelemetryCommand(path: "/mine/version", help: "Returns the program's version. No parameters") { _ in
        JSONValue("1.0")
    }
    let server = try TelemetryServer.start(filePrefix: "mine", commands: DeviceCommands.table() + [version])
    print("telemetry on \(server.path)")

    server.stop()
}
