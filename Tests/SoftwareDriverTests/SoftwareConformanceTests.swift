import Conformance
import DMADev
import DMAEngine
import Foundation
import SoftwareDriver
import Synchronization
import TestSupport
import Testing

@Suite struct SoftwareConformanceTests {
    static let kit = kit(SoftwareDevice.capabilities)

    static func kit(_ capabilities: Capabilities) -> ConformanceKit {
        ConformanceKit(variants: .all) { made in
            var options = SoftwareDevice.Options()
            options.capabilities = made.isWithoutSVA ? capabilities.subtracting(.sva) : capabilities
            options.minimumDescriptorCount = 1
            options.maximumEntryCount = 64
            options.deviceMemory = try made.deviceMemory.mapValues { try #require(DeviceMemory(byteCount: $0)) }
            let engine = try made.engine.map(SharedEngines.engine(named:)) ?? Engine()
            let device = try made.registry.add(
                SoftwareDevice(engine: engine, options: options, sharesEngine: made.sharesEngine), named: made.name)
            if !options.capabilities.contains(.sva), !made.isWithoutSVA { try mapEverything(for: device) }
            return device
        }
    }

    /// Gives a device without SVA all memory that a process can have, each byte under its own address, so that cases
    /// that know nothing of mappings run on it too.
    private static func mapEverything(for device: DMADevice) throws {
        let first = try #require(UnsafeMutableRawPointer(bitPattern: 4096))
        let everything = UnsafeMutableRawBufferPointer(start: first, count: (1 << 47) - 4096)
        #expect(try device.mapMemory(everything, iova: 4096) == 4096)
    }

    @Test("The software driver conforms", arguments: ConformanceKit.runs)
    func conforms(run: ConformanceRun) throws {
        try Self.kit.run(run)
    }

    @Test("The kit skips nothing that the software driver offers")
    func skips() throws {
        for (name, reason) in try Self.kit.report() {
            guard case .lacks = reason else {
                #expect(ThreadSanitizer.isActive, "\(name): \(reason)")
                continue
            }
            Issue.record("\(name): \(reason)")
        }
    }
}

/// The kit's own documentation.
@Suite struct ConformanceTableTests {
    @Test("Each case that the table of DPDK's suite names is there, and no name is there twice")
    func table() throws {
        let page = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../Conformance/Conformance.docc/Conformance.md")
        let rows = try String(contentsOf: page, encoding: .utf8).split(separator: "\n").filter {
            $0.hasPrefix("| `test_dma_") || $0.hasPrefix("| instance: ")
        }
        #expect(rows.count == 23)
        let names = Set(ConformanceKit.cases.map(\.name))
        #expect(names.count == ConformanceKit.cases.count)
        for row in rows {
            let cells = row.split(separator: "|")
            let named = try #require(cells.last).split(separator: "`", omittingEmptySubsequences: false).enumerated()
                .filter { $0.offset % 2 == 1 }.map { String($0.element) }
            #expect(!named.isEmpty, "\(row)")
            for name in named { #expect(names.contains(name), "\(name)") }
        }
    }
}

/// Engines by name, for as long as a device has them.
private enum SharedEngines {
    private struct Entry {
        weak var engine: Engine?
    }

    private static let entries = Mutex<[String: Entry]>([:])

    static func engine(named name: String) throws -> Engine {
        try entries.withLock { entries in
            if let engine = entries[name]?.engine { return engine }
            let engine = try Engine(name: "shared")
            entries[name] = Entry(engine: engine)
            return engine
        }
    }
}
