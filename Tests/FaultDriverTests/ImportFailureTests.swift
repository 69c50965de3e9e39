import DMADev
import DMAEngine
import FaultDriver
import SoftwareDriver
import SystemPackage
import Testing

/// Steps of attachments that fail by plan.
@Suite struct ImportFailureTests {
    /// An attachment to one page, by a device with a plan.
    private func bench(_ plan: String) throws -> (FaultBench, MemoryExporter) {
        (try FaultBench(plan), try MemoryExporter(name: "page", byteCount: 4096))
    }

    private func errno(_ call: () throws -> Void) -> Errno? {
        do {
            try call()
            return nil
        } catch {
            return (error as? DMAError)?.errno
        }
    }

    @Test("A match fails at will: not supported is a fall-back, another error ends the attach")
    func match() throws {
        let (bench, exporter) = try bench("match=1:EOPNOTSUPP+2:EACCES")
        let table = bench.registry.attachments
        #expect(errno { _ = try bench.device.attach(exporter) } == .notSupported)
        #expect(table.fallBackCounts.map(\.interconnect) == ["system_memory"])
        #expect(errno { _ = try bench.device.attach(exporter) } == .permissionDenied)
        #expect(table.reports.isEmpty && table.counts.failures == 2)
        let attachment = try bench.device.attach(exporter)
        try attachment.detach()
    }

    @Test("A map fails at will, and nothing of it is left")
    func map() throws {
        let (bench, exporter) = try bench("map=1:ENOMEM+3:EIO")
        let attachment = try bench.device.attach(exporter)
        #expect(errno { try attachment.map(.bidirectional) } == .noMemory)
        #expect(attachment.state == .attached)
        let iova = try #require(try attachment.map(.bidirectional).first?.address)
        try attachment.unmap()
        #expect(errno { try attachment.map(.bidirectional) } == .ioError)
        let channel = try bench.channel
        try channel.copy(from: iova, to: iova, length: 8, flags: .submit)
        #expect(try channel.statuses(1) != [.successful])
        try attachment.detach()
        #expect(bench.registry.attachments.reports.isEmpty)
    }

    @Test("An unmap and a detach fail at will: the buffer stays mapped until one succeeds")
    func unmap() throws {
        let (bench, exporter) = try bench("unmap=1:EIO+2:EBUSY+4:EIO")
        let attachment = try bench.device.attach(exporter)
        let iova = try #require(try attachment.map(.bidirectional).first?.address)
        #expect(errno { try attachment.unmap() } == .ioError)
        let channel = try bench.channel
        try channel.copy(from: iova, to: iova + 64, length: 8, flags: .submit)
        #expect(try channel.statuses(1) == [.successful])
        #expect(errno { try attachment.detach() } == .resourceBusy)
        #expect(attachment.state == .mapped)
        try attachment.unmap()
        try attachment.map(.bidirectional)
        #expect(errno { try attachment.unmap() } == .ioError)
        try attachment.detach()
        try channel.copy(from: iova, to: iova + 64, length: 8, flags: .submit)
        #expect(try channel.statuses(1) == [.invalidSourceAddress])
    }

    @Test("A revocation fails at will, is seen revoking, and succeeds later; from the third call on it never does")
    func revoke() throws {
        let (bench, exporter) = try bench("revoke=1:ETIMEDOUT+3..:EIO")
        let table = bench.registry.attachments
        let attachment = try bench.device.attach(exporter)
        try attachment.map(.bidirectional)
        #expect(errno { try attachment.revoke() } == .timedOut)
        #expect(attachment.state == .revoking && table.counts.revocationTimeouts == 1)
        try attachment.revoke()
        #expect(attachment.state == .dead)
        try attachment.detach()

        let other = try bench.device.attach(exporter)
        try other.map(.bidirectional)
        for _ in 0..<3 { #expect(errno { try other.revoke() } == .ioError) }
        #expect(other.state == .revoking)
        // The importer's side still ends it.
        try other.unmap()
        #expect(other.state == .dead)
        try other.detach()
        #expect(table.reports.isEmpty)
    }

    @Test("The text form refuses what it does not know, and the plan what is out of range")
    func plans() throws {
        for text in ["map=0:EIO", "map=1", "map=1:EPERM", "map=..:EIO", "map=1..2:EIO", "map=", "unmap=1:EIO+"] {
            #expect(throws: FaultPlan.ParseError.self, "\(text)") { try FaultPlan(parsing: text) }
        }
        let plan = try FaultPlan(parsing: "map=1:EIO+4..:ENOSPC,match=2:EOPNOTSUPP")
        #expect(
            plan.importFailures == [
                .init(.map, .number(1), .ioError), .init(.map, .from(4), .noSpace),
                .init(.match, .number(2), .notSupported),
            ])
        let invalid: [FaultPlan.ImportFailure] = [
            .init(.map, .every(0), .ioError), .init(.map, .number(1), .badAddress),
        ]
        for failure in invalid {
            #expect(throws: DMAError.self) { try FaultPlan(importFailures: [failure]).validate() }
        }
        try FaultPlan(importFailures: [.init(.unmap, .every(2), .ioError)]).validate()
    }
}
