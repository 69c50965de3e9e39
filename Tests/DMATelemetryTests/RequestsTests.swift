import DMADev
import DMAEngine
import DMATelemetry
import Foundation
import SoftwareDriver
import TelemetryServer
import TelemetryTestSupport
import TelemetryWire
import TestSupport
import Testing

/// The replies that a real DPDK gave, asked again of a software device that looks like DPDK's.
@Suite struct RequestsTests {
    @Test("dmascope answers every recorded request as DPDK did", arguments: ["unconfigured", "started"])
    func asDPDK(state: String) throws {
        let directory = try TemporaryDirectory()
        let registry = DeviceRegistry()
        let device = try skeletonTwin(in: registry)
        if state == "started" { try runHundredCopies(on: device) }
        let server = try TelemetryServer.start(
            filePrefix: "twin", commands: DeviceCommands.table(for: registry),
            in: directory.runDirectory)
        defer { server.stop() }
        let client = try RawClient.greeted(server.path)

        let url = try #require(Bundle.module.url(forResource: "requests", withExtension: "tsv"))
        let recording = try #require(WireRecording(try String(contentsOf: url, encoding: .utf8)))
        let rows = recording.rows.filter { $0.state == state }
        #expect(rows.count > 30)
        for row in rows { try check(try #require(client.ask(row.request), "\(row)"), against: row) }
        if state == "started" { try device.stop() }
    }

    private func skeletonTwin(in registry: DeviceRegistry) throws -> DMADevice {
        var options = SoftwareDevice.Options()
        options.capabilities = Capabilities(rawValue: 0x7_0000_0011)
        options.maximumVirtualChannelCount = 1
        options.maximumEntryCount = 4
        return try registry.add(SoftwareDevice(engine: Engine(), options: options), named: "dma_skeleton")
    }

    private func runHundredCopies(on device: DMADevice) throws {
        try device.configure(DeviceConfiguration(virtualChannelCount: 1))
        try device.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: 128))
        try device.start()
        let channel = try device.virtualChannel(0)
        var bytes = [UInt8](repeating: 1, count: 128)
        try bytes.withUnsafeMutableBytes { bytes in
            let address = UInt64(UInt(bitPattern: bytes.baseAddress))
            for _ in 0..<100 { try channel.copy(from: address, to: address + 64, length: 64) }
            try channel.submit()
            var done = 0
            while done < 100 { done += try channel.completed(upTo: 100).count }
        }
    }
}

/// Compares a reply with DPDK's: equal after parsing, keys in the same order. Ours may differ in what it says of itself,
/// may have keys more, and is JSON where DPDK's is not.
private func check(_ reply: String, against row: WireRecording.Row) throws {
    let ours = try #require(try JSONValue(parsing: reply).tree.members.first, "\(row)")
    let theirs = try #require(row.expected?.members.first, "\(row)")
    #expect(ours.name == theirs.name, "\(row)")
    switch ours.name {
    case "/": break  // the list of commands is each server's own
    case "/info": #expect(ours.value.keys.starts(with: theirs.value.keys))
    case "/dmadev/dump" where theirs.value.string != nil:
        // Down to the driver's own lines.
        let lines = try #require(theirs.value.string).split(separator: "\n").prefix(6)
        #expect(try #require(ours.value.string).split(separator: "\n").starts(with: lines))
    default: compare(ours.value, theirs.value, at: row.description)
    }
}

private func compare(_ ours: JSONTree, _ theirs: JSONTree, at path: String) {
    guard !theirs.members.isEmpty else {
        #expect(ours == theirs, "\(path)")
        return
    }
    #expect(ours.keys.starts(with: theirs.keys), "keys of \(path)")
    for member in theirs.members {
        if let value = ours[member.name] { compare(value, member.value, at: "\(path) \(member.name)") }
    }
}
