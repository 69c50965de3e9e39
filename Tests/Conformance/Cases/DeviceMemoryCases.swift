import DMADev
import SystemPackage
import TestSupport
import Testing

/// Devices behind ports: what mem2dev, dev2mem and dev2dev channels reach, by offset.
let deviceMemoryCases: [ConformanceCase] = [
    deviceMemoryCase("copies to, from and between devices", copiesRandomly),
    deviceMemoryCase("copies large parts of device memory, overlapping ones as memmove does", copiesLarge),
    deviceMemoryCase("moves lists and fills of device memory", needs: [.copyScatterGather, .fill], movesListsAndFills),
    deviceMemoryCase("fails beyond the end of a device, and touches nothing", needs: .handlesErrors, failsBeyondEnd),
    deviceMemoryCase("refuses ports without a device", refusesUnknownPorts),
]

private func deviceMemoryCase(
    _ name: String, needs: Capabilities = [], _ body: @escaping @Sendable (ConformanceBench) throws -> Void
) -> ConformanceCase {
    ConformanceCase(
        name, needs: needs.union([.mem2dev, .dev2mem, .dev2dev, .copy, .sva]), variant: .deviceMemory,
        on: .freshDevice, body)
}

/// A device with channels to and from two others, whose memory only DMA reaches, and what should be in there.
final class PortBench {
    /// Numbers of the two.
    static let both = [0, 1]

    let ports: [Port]
    private(set) var expected: [[UInt8]]
    /// By device: to it and from it.
    let writers: [VirtualChannel]
    let readers: [VirtualChannel]
    /// From a device to another one or itself: `movers[from][to]`.
    let movers: [[VirtualChannel]]

    init(_ bench: ConformanceBench) throws {
        let known = ConformanceBench.ports.compactMap { port in
            ConformanceBench.deviceMemory[port].map { (key: port, value: $0) }
        }
        let ports = known.map { Port.pcie($0.key) }
        func configuration(
            _ direction: TransferDirection, from: Port = .none, to: Port = .none
        ) -> VirtualChannelConfiguration {
            VirtualChannelConfiguration(
                direction: direction, descriptorCount: bench.descriptorCount, sourcePort: from, destinationPort: to)
        }
        let channels = try bench.start(
            ports.map { configuration(.mem2dev, to: $0) } + ports.map { configuration(.dev2mem, from: $0) }
                + ports.flatMap { from in ports.map { configuration(.dev2dev, from: from, to: $0) } })
        self.ports = ports
        (writers, readers) = (Array(channels[..<2]), Array(channels[2..<4]))
        movers = [Array(channels[4..<6]), Array(channels[6..<8])]
        expected = known.map { Array(repeating: 0, count: $0.value) }
    }

    func byteCount(_ device: Int) -> Int { expected[device].count }

    func write(_ bytes: ArraySlice<UInt8>, to device: Int, at offset: Int) {
        expected[device].replaceSubrange(offset..<offset + bytes.count, with: bytes)
    }

    /// Fills the devices with random bytes, whole.
    func seed() throws {
        for device in Self.both {
            let memory = GuardedMemory(byteCount(device), seed: UInt64(device) + 20)
            try writers[device].copy(from: memory.address, to: 0, length: UInt32(memory.count), flags: .submit)
            #expect(try writers[device].statuses(1) == [.successful])
            expected[device] = memory.bytes
        }
    }

    /// Reads the devices whole, and records where they do not hold what they should.
    func expectContents(_ comment: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation) throws {
        for device in Self.both {
            let memory = GuardedMemory(byteCount(device), offset: 9)
            try readers[device].copy(from: 0, to: memory.address, length: UInt32(memory.count), flags: .submit)
            #expect(try readers[device].statuses(1) == [.successful], comment, sourceLocation: sourceLocation)
            memory.expect(expected[device], comment, sourceLocation: sourceLocation)
        }
    }
}

private func copiesRandomly(_ bench: ConformanceBench) throws {
    let ports = try PortBench(bench)
    try ports.expectContents("fresh memory is zero")
    try ports.seed()
    try ports.expectContents("seeded")
    var random = SeededGenerator(for: "device memory")
    for round in 0..<60 {
        let (device, other) = (round % 2, round / 2 % 2)
        let length = Int.random(in: 1...5000, using: &random)
        let offset = Int.random(in: 0...ports.byteCount(device) - length, using: &random)
        let memory = GuardedMemory(length, offset: round % 64, seed: random.next())
        switch round % 3 {
        case 0:
            try ports.writers[device].copy(
                from: memory.address, to: UInt64(offset), length: UInt32(length), flags: .submit)
            #expect(try ports.writers[device].statuses(1) == [.successful])
            ports.write(memory.bytes[...], to: device, at: offset)
        case 1:
            try ports.readers[device].copy(
                from: UInt64(offset), to: memory.address, length: UInt32(length), flags: .submit)
            #expect(try ports.readers[device].statuses(1) == [.successful])
            memory.expect(Array(ports.expected[device][offset..<offset + length]))
        default:
            let target = Int.random(in: 0...ports.byteCount(other) - length, using: &random)
            let mover = ports.movers[device][other]
            try mover.copy(from: UInt64(offset), to: UInt64(target), length: UInt32(length), flags: .submit)
            #expect(try mover.statuses(1) == [.successful])
            ports.write(ports.expected[device][offset..<offset + length], to: other, at: target)
        }
    }
    try ports.expectContents()
}

private func copiesLarge(_ bench: ConformanceBench) throws {
    let ports = try PortBench(bench)
    try ports.seed()
    let large = ports.byteCount(0) > ports.byteCount(1) ? 0 : 1
    for (from, to) in [(3, 100_000), (100_000, 3), (0, 8), (8, 0)] {
        let length = ports.byteCount(large) - 150_000
        let mover = ports.movers[large][large]
        try mover.copy(from: UInt64(from), to: UInt64(to), length: UInt32(length), flags: .submit)
        #expect(try mover.statuses(1) == [.successful])
        ports.write(ports.expected[large][from..<from + length], to: large, at: to)
        try ports.expectContents("\(length) bytes from \(from) to \(to)")
    }
}

private func movesListsAndFills(_ bench: ConformanceBench) throws {
    guard bench.properties.maximumEntryCount >= 3 else { return }
    let (ports, memory) = (try PortBench(bench), GuardedMemory(300, seed: 12))
    func entry(_ offset: Int, _ length: Int) -> ScatterGatherEntry {
        ScatterGatherEntry(address: UInt64(offset), length: UInt32(length))
    }
    let bytes = memory.bytes
    try ports.writers[0].copy(
        from: [memory.entry(at: 0, count: 200), memory.entry(at: 200, count: 0), memory.entry(at: 250, count: 50)],
        to: [entry(1, 1), entry(5000, 249)], flags: .submit)
    #expect(try ports.writers[0].statuses(1) == [.successful])
    ports.write(bytes[..<1], to: 0, at: 1)
    ports.write(bytes[1..<200] + bytes[250...], to: 0, at: 5000)
    try ports.movers[0][1].copy(from: [entry(5000, 10), entry(1, 1)], to: [entry(0, 11)], flags: .submit)
    #expect(try ports.movers[0][1].statuses(1) == [.successful])
    ports.write(bytes[1..<11] + bytes[..<1], to: 1, at: 0)
    try ports.writers[1].fill(77, pattern: 0x0102_0304_0506_0708, length: 333, flags: .submit)
    #expect(try ports.writers[1].statuses(1) == [.successful])
    ports.write(patternBytes(0x0102_0304_0506_0708, 333)[...], to: 1, at: 77)
    try ports.expectContents()
    memory.clear()
    try ports.readers[1].copy(from: [entry(0, 11)], to: [memory.entry(at: 280, count: 11)], flags: .submit)
    #expect(try ports.readers[1].statuses(1) == [.successful])
    memory.expect(
        GuardedMemory.untouched(280) + ports.expected[1][..<11] + GuardedMemory.untouched(9))
}

private func failsBeyondEnd(_ bench: ConformanceBench) throws {
    let (ports, memory) = (try PortBench(bench), GuardedMemory(64))
    try ports.seed()
    for device in PortBench.both {
        let end = UInt64(ports.byteCount(device))
        // Each with 16 bytes: at the end, over the end, far beyond, wrapping, and an address of the process.
        for offset in [end, end - 15, end - 1, 1 << 40, 1 << 56, .max - 3, .max, memory.address] {
            func expect(
                _ status: CompletionStatus, on channel: VirtualChannel,
                sourceLocation: SourceLocation = #_sourceLocation
            ) throws {
                try channel.submit()
                #expect(
                    try channel.statuses(1) == [status], "offset \(offset) of \(end)", sourceLocation: sourceLocation)
            }
            let bad = ScatterGatherEntry(address: offset, length: 16)
            let good = ScatterGatherEntry(address: 0, length: 16)
            let (writer, reader) = (ports.writers[device], ports.readers[device])
            let (into, outOf) = (ports.movers[1 - device][device], ports.movers[device][1 - device])
            try writer.copy(from: memory.address, to: offset, length: 16)
            try expect(.invalidDestinationAddress, on: writer)
            try reader.copy(from: offset, to: memory.address, length: 16)
            try expect(.invalidSourceAddress, on: reader)
            try into.copy(from: 0, to: offset, length: 16)
            try expect(.invalidDestinationAddress, on: into)
            try outOf.copy(from: offset, to: 0, length: 16)
            try expect(.invalidSourceAddress, on: outOf)
            if bench.properties.capabilities.contains(.copyScatterGather) {
                try into.copy(from: [good], to: [bad])
                try expect(.invalidDestinationAddress, on: into)
                try outOf.copy(from: [bad], to: [good])
                try expect(.invalidSourceAddress, on: outOf)
            }
            if bench.properties.capabilities.contains(.fill) {
                try writer.fill(offset, pattern: 0, length: 16)
                try expect(.invalidDestinationAddress, on: writer)
            }
        }
        // More than the device holds, from its first byte on.
        try ports.movers[device][device].copy(from: 0, to: 0, length: UInt32(end) + 1, flags: .submit)
        #expect(try ports.movers[device][device].statuses(1) == [.invalidSourceAddress])
        // The last bytes are good.
        try ports.readers[device].copy(from: end - 16, to: memory.address + 8, length: 16, flags: .submit)
        #expect(try ports.readers[device].statuses(1) == [.successful])
        memory.expect(
            GuardedMemory.untouched(8) + ports.expected[device].suffix(16) + GuardedMemory.untouched(40))
        memory.clear()
    }
    try ports.expectContents()
}

private func refusesUnknownPorts(_ bench: ConformanceBench) throws {
    let known = Port.pcie(ConformanceBench.ports[0])
    let unknown = [
        PCIePort(), PCIePort(core: 1), PCIePort(core: 15, physicalFunction: .max, virtualFunction: .max),
        // Part of a known one.
        PCIePort(physicalFunction: 1),
    ].map { Port.pcie($0) }
    try bench.device.configure(DeviceConfiguration(virtualChannelCount: 1))
    for port in unknown {
        let refused: [(TransferDirection, from: Port, to: Port)] = [
            (.mem2dev, .none, port), (.dev2mem, port, .none), (.dev2dev, port, known), (.dev2dev, known, port),
        ]
        for (direction, from, to) in refused {
            expect(.invalidArgument, "\(direction.name) from \(from) to \(to)") {
                try bench.device.setUpVirtualChannel(
                    0,
                    configuration: VirtualChannelConfiguration(
                        direction: direction, descriptorCount: bench.descriptorCount, sourcePort: from,
                        destinationPort: to))
            }
        }
    }
    expect(.invalidArgument, "no channel was set up") { try bench.device.start() }
}
