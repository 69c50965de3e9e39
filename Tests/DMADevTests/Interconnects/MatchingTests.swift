import DMADev
import SystemPackage
import Testing

/// The choice of an interconnect.
@Suite struct MatchingTests {
    let table = DeviceRegistry().attachments
    let importer = ScriptedImporter()

    @Test("The exporter's order decides; what is not supported is passed over and counted with its reason")
    func order() throws {
        let (first, second, third) = (Link("first"), Link("second"), Link("third"))
        let exporter = ScriptedExporter([first, second, third, SystemMemory.shared])
        importer.change { $0.answers[ObjectIdentifier(first)] = .test(.notSupported, "too far") }
        for round in 1...3 as ClosedRange<UInt64> {
            importer.change { $0.asked = [] }
            let attachment = try table.attach(exporter, to: importer)
            #expect(attachment.interconnect === second && attachment.id == round)
            #expect(importer.change { $0.asked } == ["first", "second"])
            #expect(attachment.fallBacks.map(\.interconnect) == ["first"])
            #expect(attachment.fallBacks.map(\.reason) == ["too far"])
            let counts = table.fallBackCounts
            #expect(counts.map(\.interconnect) == ["first"] && counts.map(\.reason) == ["too far"])
            #expect(counts.map(\.count) == [round])
        }
        #expect(table.reports.map(\.choice).allSatisfy { $0.contains("not supported") })
    }

    @Test("An interconnect is its object, whatever its name")
    func identity() throws {
        let (mine, other) = (Link("same"), Link("same"))
        let exporter = ScriptedExporter([other, mine])
        let attachment = try table.attach(exporter, to: importer, allowing: [mine])
        #expect(attachment.interconnect === mine)
        #expect(table.fallBackCounts.map(\.reason) == ["the attachment does not allow it"])
        #expect(attachment.ranges(on: other) == nil)
    }

    @Test("Any other error than not supported ends the attach, and nothing is left")
    func otherError() throws {
        let link = Link()
        importer.change { $0.answers[ObjectIdentifier(link)] = .test(.permissionDenied) }
        let exporter = ScriptedExporter([link, SystemMemory.shared])
        #expect(errno { () throws(DMAError) in _ = try table.attach(exporter, to: importer) } == .permissionDenied)
        #expect(importer.change { $0.asked } == ["link"])
        #expect(table.reports.isEmpty && table.fallBackCounts.isEmpty)
        #expect(table.counts.failures == 1 && table.counts.attached == 0)
    }

    @Test("A static importer, no allowed interconnect, and none that is supported are EOPNOTSUPP")
    func unsupported() throws {
        let fixed = ScriptedImporter(isDynamic: false)
        let exporter = ScriptedExporter()
        #expect(errno { () throws(DMAError) in _ = try table.attach(exporter, to: fixed) } == .notSupported)
        #expect(
            errno { () throws(DMAError) in _ = try table.attach(exporter, to: importer, allowing: []) }
                == .notSupported)
        #expect(fixed.change { $0.asked }.isEmpty && importer.change { $0.asked }.isEmpty)
        importer.change { $0.answers[ObjectIdentifier(SystemMemory.shared)] = .test(.notSupported, "no memory") }
        let error = #expect(throws: DMAError.self) { try table.attach(exporter, to: importer) }
        #expect(error?.errno == .notSupported && error?.message.contains("system_memory: no memory") == true)
    }

    @Test("System memory is last, no interconnect comes twice, and there is at least one")
    func lists() {
        let link = Link()
        for offered in [[], [link, link], [SystemMemory.shared, link]] as [[any Interconnect]] {
            let exporter = ScriptedExporter(offered)
            #expect(errno { () throws(DMAError) in _ = try table.attach(exporter, to: importer) } == .invalidArgument)
        }
        let empty = ScriptedExporter(byteCount: 0)
        #expect(errno { () throws(DMAError) in _ = try table.attach(empty, to: importer) } == .invalidArgument)
    }

    @Test("The kinds of fall-backs that are counted apart are bounded")
    func manyReasons() throws {
        let link = Link()
        let exporter = ScriptedExporter([link, SystemMemory.shared])
        for number in 0..<100 {
            importer.change { $0.answers[ObjectIdentifier(link)] = .test(.notSupported, "reason \(number)") }
            try table.attach(exporter, to: importer).detach()
        }
        let counts = table.fallBackCounts
        #expect(counts.count == 65 && counts.reduce(0) { $0 + $1.count } == 100)
        #expect(counts.first { $0.interconnect == "other" }?.count == 36)
    }

    @Test("A device accepts system memory, and the windows of its own controller")
    func device() throws {
        var properties = DeviceProperties.offering(.interProcessDomain)
        properties.controllerID = 7
        let device = try DeviceRegistry().add(RecordingDriver(properties), named: "dma0")
        let (own, foreign) = (ControllerWindows(controllerID: 7), ControllerWindows(controllerID: 8))
        let exporter = ScriptedExporter([Link(), foreign, own, SystemMemory.shared])
        let attachment = try device.attach(exporter)
        #expect(attachment.interconnect === own && attachment.fallBacks.count == 2)
        exporter.change { $0.ranges = [WindowRange(handler: 3, address: 1 << 62, byteCount: 4096)] }
        let ranges = try attachment.map(.toDevice)
        #expect(ranges == [ImportedRange(address: 1 << 62, byteCount: 4096, handler: 3)])
        #expect(attachment.ranges(on: own)?.first?.handler == 3)
        try attachment.revoke()
        #expect(exporter.outstanding == 0)

        try device.close()
        #expect(errno { () throws(DMAError) in _ = try device.attach(exporter) } == .invalidArgument)
    }

    @Test("A driver that maps no memory is an error of the map, and nothing is left")
    func noMapping() throws {
        let device = try DMADevice.alone(RecordingDriver())
        let exporter = ScriptedExporter()
        let attachment = try device.attach(exporter)
        #expect(errno { () throws(DMAError) in try attachment.map(.toDevice) } == .notSupported)
        #expect(exporter.outstanding == 0 && attachment.state == .attached)
    }
}
