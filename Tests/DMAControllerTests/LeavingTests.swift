import CDMADev
import ControllerProtocol
import DMADev
import DMAEngine
import Glibc
import LinuxSystem
import TestSupport
import Testing

@testable import DMAController

/// What the end of a connection with many rings costs, counted in what is published.
@Suite struct LeavingTests {
    private let directory: TemporaryDirectory
    private let controller: DMAController

    init() throws {
        directory = try TemporaryDirectory()
        var configuration = ControllerConfiguration()
        configuration.maximumVirtualChannelCount = 64
        controller = try DMAController.start(path: directory.file("control"), configuration: configuration)
    }

    @Test("A connection that ends takes all its rings away in one step, and each ring was stored once")
    func death() throws {
        let count = 64
        let (before, quiescentPoints) = (controller.published.ringChanges, controller.statistics.quiescentPoints)
        var peer: RawPeer? = try RawPeer.greeted(controller.path)
        for vchan in 0..<UInt16(count) {
            #expect(try peer?.startRing(AttachRing(vchan: vchan, descriptorCount: 64, maximumEntryCount: 0)) != nil)
        }
        #expect(controller.report().connections.first?["rings"] == UInt64(count))
        let started = controller.published.ringChanges
        #expect(started.rings - before.rings == count && started.steps - before.steps == count)
        peer?.closeDescriptors()
        peer = nil
        try eventually("all is released") { controller.statistics.closed == 1 }
        let ended = controller.published.ringChanges
        #expect(ended.rings - started.rings == count && ended.steps - started.steps == 1)
        #expect(controller.statistics.quiescentPoints - quiescentPoints == 1)
        #expect(controller.statistics.rings == 0 && controller.statistics.memoryBytes == 0)
    }

    @Test("Operations that a connection leaves unfinished count once, as aborted or as done")
    func unfinished() throws {
        var ring: RingMemory?
        var peer: RawPeer? = try RawPeer.greeted(controller.path)
        for vchan in 0..<4 as Range<UInt16> {
            ring = try #require(
                try peer?.startRing(AttachRing(vchan: vchan, descriptorCount: 64, maximumEntryCount: 0)))
            // Without a ring of the bell; descriptors of zeros are operations of length 0 at address 0.
            ring?.producerPage.member(\.tail).storeReleasing(5)
        }
        peer?.closeDescriptors()
        peer = nil
        try eventually("all is released") { controller.statistics.closed == 1 }
        #expect(controller.report()["operations"] == 20)
        withExtendedLifetime(ring) {}
    }
}
