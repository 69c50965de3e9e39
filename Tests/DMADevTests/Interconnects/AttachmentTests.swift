import DMADev
import Dispatch
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

/// States of an attachment, and what is undone.
@Suite struct AttachmentTests {
    let table = DeviceRegistry().attachments
    let importer = ScriptedImporter()
    let exporter = ScriptedExporter()

    private func attached() throws -> BufferAttachment { try table.attach(exporter, to: importer) }

    private func expectNothingLeft() {
        #expect(exporter.outstanding == 0 && importer.outstanding == 0)
    }

    @Test("It is mapped and unmapped as often as one likes, one mapping at a time")
    func mapping() throws {
        let attachment = try attached()
        for direction in MappingDirection.allCases {
            #expect(attachment.state == .attached && attachment.importedRanges.isEmpty)
            let ranges = try attachment.map(direction)
            #expect(ranges == [ImportedRange(address: 0x1000 | 1 << 60, byteCount: 4096)])
            #expect(attachment.state == .mapped && attachment.importedRanges == ranges)
            #expect(attachment.ranges(on: SystemMemory.shared) == [MemoryRange(address: 0x1000, byteCount: 4096)])
            #expect(errno { () throws(DMAError) in try attachment.map(direction) } == .resourceBusy)
            try attachment.unmap()
            expectNothingLeft()
            #expect(errno { () throws(DMAError) in try attachment.unmap() } == .invalidArgument)
        }
        #expect(table.reports.first?.mapCount == 3)
    }

    @Test("A map that fails on either side is undone, and can be repeated")
    func unwinding() throws {
        let attachment = try attached()
        exporter.change { $0.failure = .test(.noMemory) }
        #expect(errno { () throws(DMAError) in try attachment.map(.toDevice) } == .noMemory)
        expectNothingLeft()
        exporter.change { $0.failure = nil }
        importer.change { $0.takeFailure = .test(.noSpace) }
        #expect(errno { () throws(DMAError) in try attachment.map(.toDevice) } == .noSpace)
        expectNothingLeft()
        #expect(exporter.change { $0.returned.count } == 1 && attachment.state == .attached)
        #expect(table.reports.first?.lastError == "as the test says")
        importer.change { $0.takeFailure = nil }
        try attachment.map(.toDevice)
        #expect(attachment.state == .mapped && table.counts.failures == 2)
    }

    @Test("An unmap or a detach that the importer fails changes nothing, and can be repeated")
    func failingRelease() throws {
        let attachment = try attached()
        try attachment.map(.toDevice)
        importer.change { $0.releaseFailure = .test(.ioError) }
        #expect(errno { () throws(DMAError) in try attachment.unmap() } == .ioError)
        #expect(errno { () throws(DMAError) in try attachment.detach() } == .ioError)
        #expect(attachment.state == .mapped && exporter.outstanding == 1 && table.reports.count == 1)
        importer.change { $0.releaseFailure = nil }
        try attachment.detach()
        expectNothingLeft()
        #expect(attachment.state == .dead && table.reports.isEmpty)
        #expect(errno { () throws(DMAError) in try attachment.detach() } == .invalidArgument)
    }

    @Test("A revocation is final in each state, and each call after it frees or refuses")
    func revocation() throws {
        let idle = try attached()
        try idle.revoke()
        #expect(idle.state == .dead && importer.change { $0.released.isEmpty })
        let attachment = try attached()
        try attachment.map(.fromDevice)
        try attachment.revoke(within: .seconds(7))
        #expect(attachment.state == .dead && attachment.importedRanges.isEmpty)
        expectNothingLeft()
        #expect(importer.change { $0.released } == [.revoke])
        let timeout = try #require(importer.change { $0.timeouts }.first ?? nil)
        #expect(timeout > .seconds(6) && timeout <= .seconds(7))
        try attachment.revoke()
        try attachment.unmap()
        #expect(errno { () throws(DMAError) in try attachment.map(.toDevice) } == .operationNotSupportedByDevice)
        for one in [idle, attachment] { try one.detach() }
        try attachment.revoke()
        expectNothingLeft()
        #expect(table.counts.revocations == 2 && table.counts.detached == 2)
    }

    @Test("An importer that is late leaves the state revoking, which is seen, until it has released")
    func lateImporter() throws {
        for ending in 0..<3 {
            let attachment = try attached()
            try attachment.map(.bidirectional)
            importer.change { $0.releaseFailure = DMAError(.timedOut, .timedOut, "not yet") }
            #expect(errno { () throws(DMAError) in try attachment.revoke(within: .zero) } == .timedOut)
            #expect(attachment.state == .revoking && exporter.outstanding == 1)
            let report = try #require(table.reports.first)
            #expect(report.state == .revoking && report.revocationAge ?? .zero > .zero && report.lastError == "not yet")
            #expect(errno { () throws(DMAError) in try attachment.map(.toDevice) } == .operationNotSupportedByDevice)
            importer.change { $0.releaseFailure = nil }
            switch ending {
            case 0: try attachment.revoke()
            case 1: try attachment.unmap()
            default: try attachment.detach()
            }
            #expect(attachment.state == .dead)
            expectNothingLeft()
            if ending < 2 { try attachment.detach() }
        }
        #expect(table.counts.revocationTimeouts == 3 && table.counts.revocations == 3)
    }

    @Test("A revocation waits for a map that runs, no longer than asked, and its ranges do not get out")
    func revocationDuringMap() throws {
        let attachment = try attached()
        let (begun, goOn) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        exporter.change { state in
            state.onMap = {
                begun.signal()
                goOn.wait()
            }
        }
        let mapped = Locked<Errno?>(nil)
        let thread = try SystemThread.start(name: "mapper") { [mapped] in
            let result = errno { () throws(DMAError) in try attachment.map(.toDevice) }
            mapped.withLock { $0 = result }
        }
        begun.wait()
        let start = ContinuousClock.now
        #expect(errno { () throws(DMAError) in try attachment.revoke(within: .milliseconds(20)) } == .timedOut)
        #expect(ContinuousClock.now - start >= .milliseconds(20))
        #expect(attachment.state == .revoking)
        goOn.signal()
        thread.join()
        #expect(mapped.withLock { $0 } == .operationNotSupportedByDevice)
        #expect(attachment.state == .dead)
        expectNothingLeft()
        try attachment.revoke()
    }

    @Test("Maps, unmaps, revocations and detaches of many threads leave nothing")
    func threads() throws {
        let (table, exporter, importer) = (table, exporter, importer)
        for _ in 0..<200 {
            let attachment = try attached()
            DispatchQueue.concurrentPerform(iterations: 4) { index in
                for _ in 0..<5 {
                    switch index {
                    case 0: _ = try? attachment.map(.bidirectional)
                    case 1: try? attachment.unmap()
                    case 2: _ = (table.reports, attachment.state, attachment.importedRanges)
                    default: if attachment.id % 3 == 0 { try? attachment.revoke() }
                    }
                }
                if index == 3 { try? attachment.detach() }
            }
            #expect(attachment.state == .dead && exporter.outstanding == 0 && importer.outstanding == 0)
        }
        #expect(table.reports.isEmpty && table.counts.attached == 200 && table.counts.detached == 200)
    }

    @Test("The owner of a buffer finds its attachments; failed calls are recorded with the device")
    func lookUp() throws {
        let other = ScriptedExporter()
        let attachments = try (0..<3).map { _ in try attached() }
        _ = try table.attach(other, to: importer)
        try attachments[1].detach()
        #expect(table.attachments(of: exporter).map(\.id) == [1, 3])

        let registry = DeviceRegistry()
        let device = try registry.add(RecordingDriver(), named: "dma0")
        #expect(errno { () throws(DMAError) in _ = try device.attach(exporter, allowing: []) } == .notSupported)
        let failed = try #require(registry.failedCalls().first)
        #expect(failed.call == "interconnect_attach" && failed.device == 0 && failed.errno == 95)
    }

    @Test("A file in memory is exported whole, and stays while an attachment has it")
    func memoryExporter() throws {
        #expect(errno { () throws(DMAError) in _ = try MemoryExporter(name: "none", byteCount: 0) } == .invalidArgument)
        var file: MemoryExporter? = try MemoryExporter(name: "frames", byteCount: 10_000)
        let attachment = try table.attach(try #require(file), to: importer)
        let memory = try #require(file?.memory)
        #expect(memory.count == 10_000 && file?.inode ?? 0 > 0 && memory.allSatisfy { $0 == 0 })
        file = nil
        try attachment.map(.bidirectional)
        memory[9_999] = 1
        #expect(attachment.ranges(on: SystemMemory.shared)?.first?.byteCount == 10_000)
        try attachment.detach()
    }
}
