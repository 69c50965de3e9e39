import CDMADev
import DMADev
import TestSupport
import Testing

@testable import DMAEngine

let ENOSPC: Int32 = 28

/// A ring on an engine, with its counters.
struct TestRing {
    let descriptorCount: Int
    private let ring: ApplicationRing

    init(
        engine: Engine, descriptorCount: Int, isSilent: Bool = false, domains: DomainMap? = nil,
        configure: (inout EngineRing.Configuration) -> Void = { _ in }
    ) throws {
        self.descriptorCount = descriptorCount
        var configuration = EngineRing.Configuration()
        configuration.domains = domains.map { ($0, 0, 0) }
        configure(&configuration)
        ring = try #require(
            ApplicationRing(
                layout: RingLayout(descriptorCount: descriptorCount, maximumEntries: 8), mode: isSilent ? .silent : [],
                engine: engine, configuration))
    }

    var producer: RingProducer { ring.producer }
    var isIdle: Bool { ring.status == .idle }
    var statistics: Statistics { ring.counters.statistics }
    func retire() { ring.engineRing?.retire() }

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
