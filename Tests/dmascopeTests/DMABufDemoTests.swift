import Foundation
import TelemetryWire
import TestSupport
import Testing

/// `dmascope demo dmabuf`, with what this machine has.
@Suite struct DMABufDemoTests {
    private let scope: Scope

    init() throws {
        scope = try Scope()
    }

    @Test func tellsAMachineWhatHappened() throws {
        let tree = try scope.json("demo", "dmabuf")
        let list = try #require(tree["steps"]?.elements)
        #expect(list.map { $0["step"]?.string } == ["buffers", "copy", "attach", "revoke", "telemetry", "end"])
        try #require(list.count == 6)

        let isReal = list[0]["dmabuf"]?.bool == true
        #expect(isReal == (list[0]["kind"]?.string != "memfd"))
        // Without dma-bufs, why: there is no udmabuf, and no heap.
        #expect(list[0]["reasons"]?.elements.count == (isReal ? 0 : 2))
        let inodes = try #require(list[0]["inodes"]?.elements)
        #expect(inodes.count == 2 && inodes[0] != inodes[1])
        #expect(list[1]["verified"]?.bool == true)

        let number = try #require(list[2]["attachments"]?.elements.last?.integer)
        let refusal = try #require(list[2]["unregister_refused"]?.string)
        #expect(refusal.contains("attached to device 0 ") && refusal.contains("by attachment \(number)"), "\(refusal)")

        let (done, failed) = (list[3]["successful"]?.integer, list[3]["failed"]?.integer)
        #expect(try #require(done) + #require(failed) == 64)
        #expect(list[3]["late_failed"]?.integer == 16 && list[3]["late_status"]?.string == "invalid_dst_addr")
        #expect(list[3]["untouched"]?.bool == true)

        let regions = try #require(list[4]["memory"]?["regions"]?.elements)
        #expect(
            regions.count == 2 && Set(regions.compactMap { $0["inode"]?.integer }) == Set(inodes.compactMap(\.integer)))
        // The revocation has ended one use.
        #expect(regions.map { $0["uses"]?.elements.count ?? -1 }.sorted() == [0, 1])
        let links = try #require(list[4]["interconnects"])
        #expect(links["revocations"]?.integer == 1)
        #expect(links["attachments"]?.elements.map { $0["state"]?.string } == ["mapped", "dead"])
        #expect(list[5]["regions"]?.integer == 0)
    }

    @Test func aGuestNeedsAKernelThatCanBeRead() throws {
        let missing = try scope.run("demo", "dmabuf", "--guest", "--kernel", "/nowhere/vmlinuz")
        #expect(missing.exit == .exited(1) && missing.output == "", "\(missing)")
        #if arch(x86_64)
            #expect(missing.errors.contains("the kernel '/nowhere/vmlinuz' cannot be read"), "\(missing)")
        #endif
        let useless = try scope.run("demo", "dmabuf", "--kernel", "/nowhere/vmlinuz")
        #expect(useless.exit == .exited(64) && useless.errors.contains("--kernel needs --guest"), "\(useless)")
    }

    @Test func showsPeopleEachStepAndWhatTheBuffersAre() throws {
        let result = try scope.run("demo", "dmabuf")
        #expect(result.exit == .exited(0) && result.errors == "", "\(result)")
        let titles = result.output.split(separator: "\n").filter { $0.first?.isNumber == true }
        #expect(titles.map { Int($0.prefix { $0.isNumber }) } == Array(1...6))
        let isReal = result.output.contains("the buffers are dma-bufs of ")
        #expect(isReal != result.output.contains("the buffers are NO dma-bufs, but sealed files in memory"))
        #expect(isReal != result.output.contains("dmascope demo dmabuf --guest makes them in a virtual machine"))
        for sentence in ["is refused: region", "failed with status invalid_dst_addr", "not one byte arrived"] {
            #expect(result.output.contains(sentence), "\(sentence): \(result.output)")
        }
    }
}
