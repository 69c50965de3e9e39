import DMADev
import SystemPackage
import Testing

/// Buffers of exporters, with SVA and without.
let attachmentCases: [ConformanceCase] = [
    ConformanceCase(
        "reaches attached buffers, and nothing of them after unmap and revocation", needs: [.copy, .handlesErrors],
        reachesAttached),
    ConformanceCase(
        "reaches attached buffers without SVA", needs: [.copy, .handlesErrors], variant: .withoutSVA, reachesAttached),
]

private func reachesAttached(_ bench: ConformanceBench) throws {
    let (device, channel) = (bench.device, try bench.channel())
    let buffers = try (0..<2).map { _ in try device.makeBuffer(byteCount: 1 << 20) }
    for index in buffers[0].bytes.indices { buffers[0].bytes[index] = UInt8(truncatingIfNeeded: index &* 13) }
    let exporters = buffers.map { MemoryExporter(name: "conformance", $0.bytes, owner: $0) }
    let attachments = try exporters.map { try device.attach($0) }
    #expect(attachments.allSatisfy { $0.interconnect === SystemMemory.shared && $0.fallBacks.isEmpty })
    let from: UInt64
    do {
        from = try #require(try attachments[0].map(.toDevice).first).address
    } catch let error as DMAError {
        // A device with SVA need not have IOVAs.
        #expect(error.errno == .notSupported && bench.properties.capabilities.contains(.sva))
        for attachment in attachments { try attachment.detach() }
        return
    }
    let to = try #require(try attachments[1].map(.fromDevice).first).address
    for (iova, exporter) in [(from, exporters[0]), (to, exporters[1])] {
        #expect(iova != exporter.address && iova >= 1 << 56)
    }
    try channel.copy(from: from, to: to, length: 1 << 20, flags: .submit)
    #expect(try channel.statuses(1) == [.successful])
    #expect(buffers[0].bytes.elementsEqual(buffers[1].bytes))
    try channel.copy(from: from + 1, to: to, length: 1 << 20, flags: .submit)
    #expect(try channel.statuses(1) == [.invalidSourceAddress])

    try attachments[1].revoke(within: .seconds(60))
    #expect(attachments[1].state == .dead)
    buffers[1].bytes.initializeMemory(as: UInt8.self, repeating: 0)
    try channel.copy(from: from, to: to, length: 64, flags: .submit)
    #expect(try channel.statuses(1) == [.invalidDestinationAddress])
    try attachments[0].unmap()
    let again = try #require(try attachments[0].map(.bidirectional).first).address
    #expect(again != from)
    try channel.copy(from: from, to: again, length: 64, flags: .submit)
    #expect(try channel.statuses(1) == [.invalidSourceAddress])
    #expect(buffers[1].bytes.allSatisfy { $0 == 0 })
    for attachment in attachments { try attachment.detach() }
    if !bench.properties.capabilities.contains(.sva) {
        #expect(errno { try device.unmapMemory(iova: again) } == .invalidArgument)
    }
}

/// The errno of the error that a call throws.
private func errno(_ call: () throws -> Void) -> Errno? {
    do {
        try call()
        return nil
    } catch {
        return (error as? DMAError)?.errno
    }
}
