import CDMADev
import DMAEngine
import TestSupport
import Testing

let ENOSPC: Int32 = 28

/// A ring on an engine, with its counters.
struct TestRing {
    let counters = RingCounters()
    let descriptorCount: Int
    private let ring: DescriptorRing

    init(engine: Engine, descriptorCount: Int, isSilent: Bool = false, domains: DomainMap? = nil) throws {
        self.descriptorCount = descriptorCount
        var configuration = DescriptorRing.Configuration(
            layout: RingLayout(descriptorCount: descriptorCount, maximumEntries: 8))
        configuration.isSilent = isSilent
        configuration.domains = domains.map { ($0, 0, 0) }
        ring = try #require(DescriptorRing(configuration, counters: counters, engine: engine))
    }

    var producer: RingProducer { ring.producer }
    var isIdle: Bool { ring.isIdle }
    func retire() { ring.retire() }

    /// Polls until `count` operations have ended; their statuses.
    func statuses(_ count: Int) -> [UInt16] {
        var all: [UInt16] = []
        var some = [UInt16](repeating: 0, count: 64)
        var lastIndex: UInt16 = 0
        while all.count < count {
            let wanted = UInt16(min(64, count - all.count))
            let got = producer.completedStatus(into: &some, count: wanted, lastIndex: &lastIndex)
            all += some.prefix(Int(got))
        }
        return all
    }
}
