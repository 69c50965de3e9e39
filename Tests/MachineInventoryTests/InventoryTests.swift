import Foundation
import TestSupport
import Testing

@testable import MachineInventory

/// The inventory, from files as the kernel writes them.
@Suite struct InventoryTests {
    @Test func aBufferIsListedOnceHoweverManyHaveIt() throws {
        let tree = try ProcTree()
        for process: Int32 in [20, 3, 100] {
            try tree.addProcess(process, name: "app\(process)")
            for number in 3...4 {
                try tree.addDescriptor(number, to: process, information: ProcTree.information(inode: 7, name: "frame"))
            }
        }
        try tree.write(
            "7f00-8f00 rw-s 00000000 00:0e 7      /dmabuf:frame\n8f00-9f00 r--p 00000000 08:01 7   /lib/x.so\n",
            to: "proc/20/maps")
        let inventory = DMABufferInventory.read(tree.roots)
        let buffer = try #require(inventory.buffers.first)
        #expect(inventory.buffers.count == 1 && inventory.processCount == 3 && inventory.isComplete)
        #expect(buffer.inode == 7 && buffer.exporter == "udmabuf" && buffer.byteCount == 4096 && buffer.name == "frame")
        #expect(buffer.holders.map(\.processID) == [3, 20, 100])
        #expect(buffer.holders.map(\.processName) == ["app3", "app20", "app100"])
        #expect(buffer.holders.map(\.descriptorCount) == [2, 2, 2])
        #expect(buffer.holders.map(\.mappingCount) == [0, 1, 0])
        #expect(buffer.holders[1].mappedByteCount == 0x1000)
        #expect(buffer.holders[1].userID == geteuid())
        #expect(buffer.referenceCount == nil && buffer.attachedDevices == nil)
    }

    @Test func aMappingWithoutADescriptorIsABufferOfUnknownSize() throws {
        let tree = try ProcTree()
        try tree.addProcess(5)
        try tree.write("1000-3000 rw-s 00000000 00:0e 12     /dmabuf:\n", to: "proc/5/maps")
        let inventory = DMABufferInventory.read(tree.roots)
        #expect(inventory.buffers.map(\.inode) == [12])
        #expect(inventory.buffers.first?.exporter == nil && inventory.buffers.first?.byteCount == nil)
        #expect(inventory.buffers.first?.holders.first?.mappedByteCount == 0x2000)
    }

    @Test func theKernelsListsAddWhatNoProcessHas() throws {
        let tree = try ProcTree()
        try tree.addProcess(5)
        try tree.addDescriptor(3, to: 5, information: ProcTree.information(inode: 7, exporter: "system"))
        let list = """

            Dma-buf Objects:
            size    \tflags   \tmode    \tcount   \texp_name\tino     \tname
            00004096\t00000002\t00080007\t00000003\tsystem\t00000007\tframe
            \tkernel fence:vgem unbound seq 1 signalled
            \tAttached Devices:
            \t0000:00:02.0
            Total 1 devices attached

            00008192\t00000002\t00080007\t00000001\tdrm\t00000009\t<none>
            \tAttached Devices:
            Total 0 devices attached


            Total 2 objects, 12288 bytes
            """
        try tree.write(list, to: "sys/kernel/debug/dma_buf/bufinfo")
        try tree.write("vgem\n", to: "sys/kernel/dmabuf/buffers/11/exporter_name")
        try tree.write("65536\n", to: "sys/kernel/dmabuf/buffers/11/size")
        let inventory = DMABufferInventory.read(tree.roots)
        #expect(inventory.debugfs == .read && inventory.sysfs == .read)
        #expect(inventory.buffers.map(\.inode) == [7, 9, 11])
        #expect(inventory.buffers.map(\.exporter) == ["system", "drm", "vgem"])
        #expect(inventory.buffers.map(\.byteCount) == [4096, 8192, 65536])
        #expect(inventory.buffers.map(\.referenceCount) == [3, 1, nil])
        #expect(inventory.buffers.map(\.name) == ["frame", nil, nil])
        #expect(inventory.buffers.map(\.attachedDevices) == [["0000:00:02.0"], [], nil])
        #expect(inventory.buffers.map(\.holders.count) == [1, 0, 0])
    }

    @Test func whatIsMissingIsNamed() throws {
        let tree = try ProcTree()
        let nothing = DMABufferInventory.read(tree.roots)
        #expect(nothing.processes == .absent && !nothing.isComplete)
        try tree.addProcess(5)
        let something = DMABufferInventory.read(tree.roots)
        #expect(something.processes == .read && something.isComplete)
        #expect(something.debugfs == .absent && something.sysfs == .absent)
        // No time at all: nothing is looked into, and that is said.
        let late = DMABufferInventory.read(tree.roots, within: .zero)
        #expect(late.isOutOfTime && !late.isComplete && late.processCount == 0)
        // A directory without files is a process that ends.
        try FileManager.default.createDirectory(
            atPath: tree.directory.file("proc/6"), withIntermediateDirectories: false)
        #expect(DMABufferInventory.read(tree.roots).processCount == 1)
    }

    @Test func filesNamedLikeBuffersAreNone() throws {
        let tree = try ProcTree()
        try tree.addProcess(5)
        try tree.addDescriptor(3, to: 5, information: "pos:\t0\nflags:\t02\nmnt_id:\t28\nino:\t7\n")
        try tree.addDescriptor(4, to: 5, target: "/home/dmabuf:", information: ProcTree.information(inode: 8))
        try tree.addDescriptor(5, to: 5, target: "/dmabuf", information: ProcTree.information(inode: 9))
        try tree.write("1000-3000 rw-s 00000000 00:0e 12     /home/x /dmabuf:\n", to: "proc/5/maps")
        #expect(DMABufferInventory.read(tree.roots).buffers.isEmpty)
    }

    @Test func theSystemCanBeRead() {
        let inventory = DMABufferInventory.read()
        #expect(inventory.processes == .read)
        #expect(inventory.processCount > 0)
    }
}
