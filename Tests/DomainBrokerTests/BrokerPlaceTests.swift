import DomainBroker
import Foundation
import TestSupport
import Testing

@Suite struct BrokerPlaceTests {
    private let root: TemporaryDirectory

    init() throws {
        root = try TemporaryDirectory()
    }

    private func write(_ text: String, _ path: String) throws {
        let file = URL(filePath: root.file(path))
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try text.write(to: file, atomically: false, encoding: .utf8)
    }

    private func addDevice(_ address: String, _ vendor: String = "0x1af4", _ device: String = "0x1110") throws {
        try write(vendor + "\n", "bus/pci/devices/\(address)/vendor")
        try write(device + "\n", "bus/pci/devices/\(address)/device")
    }

    private func find() throws -> BrokerPlace? { try BrokerPlace.find(system: root.path, devices: "/dev") }

    @Test func `a system without the port is no prepared guest`() throws {
        #expect(try find() == nil)
        try addDevice("0000:00:03.0")
        try write("org.qemu.guest_agent.0\n", "class/virtio-ports/vport1p1/name")
        #expect(try find() == nil)
    }

    @Test func `the one port and the one memory are found`() throws {
        try addDevice("0000:00:02.0", "0x1af4", "0x1003")
        try addDevice("0000:00:03.0")
        try write("other\n", "class/virtio-ports/vport1p1/name")
        try write("dmascope\n", "class/virtio-ports/vport1p2/name")
        let device = root.file("bus/pci/devices/0000:00:03.0")
        #expect(
            try find()
                == BrokerPlace(memory: device + "/resource2", channel: "/dev/vport1p2", enable: device + "/enable"))
    }

    @Test func `several memories, or none, are an error that says what to do`() throws {
        try write("dmascope\n", "class/virtio-ports/vport1p2/name")
        let none = #expect(throws: BrokerError.self) { try find() }
        #expect(none?.description.contains("0 shared memories") == true)
        try addDevice("0000:00:03.0")
        try addDevice("0000:00:04.0")
        let two = #expect(throws: BrokerError.self) { try find() }
        #expect(two?.description.contains("--broker") == true)
    }
}
