import DMADev
import LinuxSystem
import SystemPackage
import Testing

/// Devices reach regions of external memory that were mapped for them.
let regionCases: [ConformanceCase] = [
    ConformanceCase(
        "reaches a mapped region, and holds it until it is unmapped", needs: .copy, variant: .files, reachesRegion),
    ConformanceCase(
        "gives regions back when it is closed", needs: .copy, variant: .files, on: .freshDevice, closesRegion),
    ConformanceCase(
        "fails on a page without an IOVA, and tells which side", needs: [.copy, .handlesErrors], variant: .files,
        failsWithoutIOVA),
    ConformanceCase("reaches the pages of a region at its IOVAs", needs: .copy, variant: .withoutSVA, reachesIOVAs),
    ConformanceCase("maps all of a region or nothing", needs: .copy, variant: .withoutSVA, mapsAllOrNothing),
    ConformanceCase(
        "reaches attached regions, and keeps them registered until they are revoked", needs: [.copy, .handlesErrors],
        variant: .files, reachesAttachedRegions),
    ConformanceCase(
        "reaches attached regions without SVA", needs: [.copy, .handlesErrors], variant: .withoutSVA,
        reachesAttachedRegions),
]

/// A region on a memfd.
private final class FileRegion {
    let table = DeviceRegistry().memory
    let region: MemoryRegion
    private let mapping: SharedMapping

    init(pages: Int, iovas: [UInt64]? = nil) throws {
        let file = try MemoryFile.make(name: "conformance", byteCount: pages * 4096)
        try MemoryFile.add([.shrink, .grow], to: file.raw)
        mapping = try SharedMapping(of: file.raw, byteCount: pages * 4096, isWritable: true)
        try mapping.populate(0..<pages * 4096)
        region = try table.registerDMABuffer(
            file.raw, at: UInt64(UInt(bitPattern: mapping.bytes.baseAddress)), byteCount: UInt64(pages * 4096),
            iovas: iovas)
    }

    var bytes: UnsafeMutableRawBufferPointer { mapping.bytes }
}

private func reachesRegion(_ bench: ConformanceBench) throws {
    let (device, channel) = (bench.device, try bench.channel())
    let memory = try FileRegion(pages: 8)
    memory.bytes.initializeMemory(as: UInt8.self, repeating: 0)
    for round in 1...3 as ClosedRange<UInt8> {
        let iova = try device.mapMemory(memory.region)
        if bench.properties.capabilities.contains(.sva) { #expect(iova == memory.region.address) }
        memory.bytes[..<4096].initializeMemory(as: UInt8.self, repeating: round)
        try channel.copy(from: iova, to: iova + 20480, length: 4096, flags: .submit)
        #expect(try channel.statuses(1) == [.successful])
        #expect(memory.bytes[20480..<24576].allSatisfy { $0 == round })
        expect(.resourceBusy) { try memory.table.unregister(memory.region) }
        #expect(
            memory.region.currentUses == [.mapping(device: device.id, name: device.name, iova: iova)])
        try device.unmapMemory(memory.region)
        expect(.invalidArgument) { try device.unmapMemory(memory.region) }
        guard !bench.properties.capabilities.contains(.sva) else { continue }
        guard bench.properties.capabilities.contains(.handlesErrors) else { continue }
        try channel.copy(from: iova, to: iova + 20480, length: 4096, flags: .submit)
        #expect(try channel.statuses(1) == [.invalidSourceAddress])
    }
    try memory.table.unregister(memory.region)
    expect(.invalidArgument) { _ = try device.mapMemory(memory.region) }
}

private func reachesAttachedRegions(_ bench: ConformanceBench) throws {
    let (device, channel) = (bench.device, try bench.channel())
    let (source, target) = (try FileRegion(pages: 8), try FileRegion(pages: 8))
    for index in source.bytes.indices { source.bytes[index] = UInt8(truncatingIfNeeded: index &* 29) }
    let (reading, writing) = (try device.attach(source.region), try device.attach(target.region))
    let from: UInt64
    do {
        from = try #require(try reading.map(.toDevice).first).address
    } catch let error as DMAError {
        // A device with SVA need not have IOVAs.
        #expect(error.errno == .notSupported && bench.properties.capabilities.contains(.sva))
        for attachment in [reading, writing] { try attachment.detach() }
        return
    }
    let to = try #require(try writing.map(.fromDevice).first).address
    #expect(from >= 1 << 56 && to >= 1 << 56)
    try channel.copy(from: from, to: to, length: 8 * 4096, flags: .submit)
    #expect(try channel.statuses(1) == [.successful])
    #expect(source.bytes.elementsEqual(target.bytes))

    expect(.resourceBusy) { try target.table.unregister(target.region) }
    #expect(
        target.region.currentUses
            == [.other("attached to device \(device.id) '\(device.name)' by attachment \(writing.id)")])
    try writing.revoke(within: .seconds(60))
    target.bytes.initializeMemory(as: UInt8.self, repeating: 0)
    try channel.copy(from: from, to: to, length: 64, flags: .submit)
    #expect(try channel.statuses(1) == [.invalidDestinationAddress])
    #expect(target.bytes.allSatisfy { $0 == 0 })
    try target.table.unregister(target.region)
    try writing.detach()
    try reading.detach()
    try channel.copy(from: from, to: to, length: 64, flags: .submit)
    #expect(try channel.statuses(1) == [.invalidSourceAddress])
    try source.table.unregister(source.region)
}

private func closesRegion(_ bench: ConformanceBench) throws {
    let memory = try FileRegion(pages: 1)
    try bench.setUpAndStart()
    _ = try bench.device.mapMemory(memory.region)
    try bench.device.stop()
    expect(.resourceBusy) { try memory.table.unregister(memory.region) }
    try bench.device.close()
    try memory.table.unregister(memory.region)
}

private func failsWithoutIOVA(_ bench: ConformanceBench) throws {
    let channel = try bench.channel()
    let memory = try FileRegion(pages: 1)
    let good = try bench.device.mapMemory(memory.region)
    let bad = try memory.region.iova(of: memory.region.address)
    #expect(bad == MemoryRegion.badIOVA)
    for length in [1, 64, 4096] as [UInt32] {
        try channel.copy(from: bad, to: good, length: length, flags: .submit)
        #expect(try channel.statuses(1) == [.invalidSourceAddress])
        try channel.copy(from: good, to: bad, length: length, flags: .submit)
        #expect(try channel.statuses(1) == [.invalidDestinationAddress])
    }
    try bench.device.unmapMemory(memory.region)
}

private func reachesIOVAs(_ bench: ConformanceBench) throws {
    let (device, channel) = (bench.device, try bench.channel())
    // Two runs and a page without.
    let iovas: [UInt64] = [1 << 40, 1 << 40 + 4096, MemoryRegion.badIOVA, 1 << 30]
    let memory = try FileRegion(pages: 4, iovas: iovas)
    for page in 0..<4 {
        memory.bytes[page * 4096..<(page + 1) * 4096].initializeMemory(as: UInt8.self, repeating: UInt8(page + 1))
    }
    #expect(try device.mapMemory(memory.region) == iovas[0])
    // Over the border of the first two pages.
    try channel.copy(from: iovas[0] + 4090, to: iovas[3] + 100, length: 12, flags: .submit)
    #expect(try channel.statuses(1) == [.successful])
    #expect(Array(memory.bytes[12388..<12400]) == [1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2])
    for iova in [iovas[0], iovas[3]] { expect(.invalidArgument) { try device.unmapMemory(iova: iova) } }
    expect(.invalidArgument) { _ = try device.mapMemory(memory.region, iova: 1 << 50) }
    if bench.properties.capabilities.contains(.handlesErrors) {
        try channel.copy(from: iovas[0] + 8190, to: iovas[3], length: 4, flags: .submit)
        #expect(try channel.statuses(1) == [.invalidSourceAddress])
        try device.unmapMemory(memory.region)
        for iova in [iovas[0], iovas[1], iovas[3]] {
            try channel.copy(from: iova, to: iova, length: 1, flags: .submit)
            #expect(try channel.statuses(1) == [.invalidSourceAddress])
        }
    } else {
        try device.unmapMemory(memory.region)
    }
    try memory.table.unregister(memory.region)
}

private func mapsAllOrNothing(_ bench: ConformanceBench) throws {
    let device = bench.device
    let taken = try FileRegion(pages: 1, iovas: [1 << 40])
    let memory = try FileRegion(pages: 3, iovas: [1 << 30, 1 << 31, 1 << 40])
    _ = try device.mapMemory(taken.region)
    expect(.fileExists) { _ = try device.mapMemory(memory.region) }
    // Nothing of it is there.
    try memory.table.unregister(memory.region)
    let again = try FileRegion(pages: 2, iovas: [1 << 30, 1 << 31])
    _ = try device.mapMemory(again.region)
    try device.unmapMemory(again.region)
    // At an address that the caller chooses.
    let plain = try FileRegion(pages: 1)
    expect(.fileExists) { _ = try device.mapMemory(plain.region, iova: 1 << 40) }
    expect(.invalidArgument) { _ = try device.mapMemory(plain.region, iova: .max - 100) }
    #expect(try device.mapMemory(plain.region, iova: 1 << 41) == 1 << 41)
    try device.unmapMemory(plain.region)
    try device.unmapMemory(taken.region)
}
