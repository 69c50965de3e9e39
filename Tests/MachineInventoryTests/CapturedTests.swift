import Foundation
import TestSupport
import Testing

@testable import MachineInventory

/// The inventory, from the files of a guest: two processes that have `frame`, one that has a mapping of `texture` and a
/// buffer whose name imitates more lines of these files.
@Suite struct CapturedTests {
    private static let hostileName = "x\n1\t2\t3\t4\tfake\t99\ty"

    @Test func theBuffersOfTheGuestAreFound() throws {
        let tree = try ProcTree(captured: true)
        let inventory = DMABufferInventory.read(tree.roots)
        #expect(inventory.isComplete && inventory.processCount == 3)
        #expect(inventory.debugfs == .read && inventory.sysfs == .absent)
        #expect(inventory.buffers.map(\.inode) == [11, 12, 13])
        #expect(inventory.buffers.map(\.name) == ["frame", "texture", Self.hostileName])
        #expect(inventory.buffers.map(\.exporter) == ["udmabuf", "system", "system"])
        #expect(inventory.buffers.map(\.byteCount) == [65536, 65536, 4096])
        #expect(inventory.buffers.map(\.referenceCount) == [4, 1, 1])
        #expect(inventory.buffers.map { $0.holders.map(\.processID) } == [[191, 196], [191], [191]])
        #expect(inventory.buffers.map { $0.holders[0].descriptorCount } == [1, 0, 1])
        #expect(inventory.buffers.map { $0.holders[0].mappedByteCount } == [65536, 65536, 0])
    }

    /// Without the superuser's rights: the kernel's list is not readable.
    @Test func withoutTheKernelsListOnlyTheMappingIsKnown() throws {
        let tree = try ProcTree(captured: true)
        try FileManager.default.removeItem(atPath: tree.directory.file("sys"))
        let inventory = DMABufferInventory.read(tree.roots)
        #expect(inventory.buffers.map(\.inode) == [11, 12, 13])
        #expect(inventory.buffers.map(\.name) == ["frame", nil, Self.hostileName])
        #expect(inventory.buffers.map(\.byteCount) == [65536, nil, 4096])
    }

    /// Whatever the files hold, the inventory ends, and finds no more buffers than there are lines.
    @Test func damagedFilesDoNoHarm() throws {
        var random = SeededGenerator(for: "damagedFilesDoNoHarm")
        for _ in 0..<100 {
            let tree = try ProcTree(captured: true)
            for file in try Self.files(below: tree.directory) where Bool.random(using: &random) {
                let url = URL(fileURLWithPath: tree.directory.file(file))
                try Self.damaged(Data(contentsOf: url), &random).write(to: url)
            }
            let inventory = DMABufferInventory.read(tree.roots)
            #expect(inventory.buffers.count < 1000)
            #expect(inventory.buffers.map(\.inode) == inventory.buffers.map(\.inode).sorted())
        }
    }

    private static func files(below directory: TemporaryDirectory) throws -> [String] {
        try directory.contents.filter { name in
            let attributes = try FileManager.default.attributesOfItem(atPath: directory.file(name))
            return attributes[.type] as? FileAttributeType == .typeRegular
        }
    }

    /// The bytes with parts that are changed, cut out, or repeated.
    private static func damaged(_ data: Data, _ random: inout SeededGenerator) -> Data {
        var bytes = Array(data)
        for _ in 0..<Int.random(in: 1...8, using: &random) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            let end = min(bytes.count, place + Int.random(in: 0...64, using: &random))
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes.removeSubrange(place..<end)
            case 2: bytes.insert(contentsOf: bytes[place..<end], at: Int.random(in: 0...bytes.count, using: &random))
            default: bytes.insert(contentsOf: Array(repeating: UInt8(ascii: "9"), count: 30), at: place)
            }
        }
        return Data(bytes)
    }
}
