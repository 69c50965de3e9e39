import DMADev
import DMAEngine
import SystemPackage

/// A ring as a controller has them: its operations copy from a window of another domain into mapped memory.
final class DomainRing {
    private let ring: ApplicationRing
    private let domains: DomainMap
    private let mappings: IOVAMap
    private let traffic = TrafficCounter()

    private static let window: UInt64 = 1 << 40
    private static let mapped: UInt64 = 1 << 41
    private static let owner: UInt16 = 2

    init(engine: Engine, byteCount: UInt64, address: UInt64, descriptorCount: Int) throws {
        domains = DomainMap(engine: engine)
        mappings = IOVAMap(engine: engine)
        try mappings.insert([IOVAMap.Range(iova: Self.mapped, byteCount: byteCount, address: address)])
        let group = DomainGroup(
            number: 0, members: [DomainGroup.Member(handler: Self.owner, traffic: traffic)],
            windows: [
                DomainMap.Window(
                    handler: Self.owner, isReadable: true, isWritable: false, iova: Self.window, byteCount: byteCount,
                    address: address)
            ])
        domains.publish([DomainMap.Membership(group: group, own: 1)])
        var configuration = EngineRing.Configuration()
        configuration.source = .mapped(mappings)
        configuration.destination = .mapped(mappings)
        configuration.domains = (domains, Self.owner, 0)
        configuration.hasSynchronizedMemory = true
        let layout = RingLayout(descriptorCount: descriptorCount, maximumEntries: 1)
        guard let ring = ApplicationRing(layout: layout, mode: [], engine: engine, configuration) else {
            throw DMAError(.exhausted, .noMemory, "no memory for a ring")
        }
        self.ring = ring
    }

    /// Rings the doorbell for so many copies of 64 bytes.
    func copy(_ count: Int) {
        for _ in 0..<count { _ = ring.producer.enqueueCopy(Self.window, Self.mapped + 2048, length: 64, flags: 0) }
        ring.producer.submit()
    }

    /// Throws unless so many operations are finished and have moved their bytes.
    func end(_ count: Int) throws {
        let statistics = ring.counters.statistics
        ring.engineRing?.retire()
        guard statistics.completed == count, statistics.errors == 0, traffic.reading.readBytes == 64 * count else {
            throw DMAError(.system, .ioError, "the copies have failed: \(statistics)")
        }
    }
}
