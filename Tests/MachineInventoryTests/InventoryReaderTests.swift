import Foundation
import LinuxSystem
import TestSupport
import Testing

@testable import MachineInventory

@Suite struct InventoryReaderTests {
    @Test func anInventoryIsReadAgainOnlyWhenItIsTooOld() throws {
        let tree = try ProcTree()
        try tree.addProcess(5)
        let reader = InventoryReader(tree.roots)
        let first = try #require(reader.latest(waitingAtMost: .seconds(30)))
        #expect(first.inventory.processCount == 1)
        try tree.addProcess(6)
        #expect(reader.latest(notOlderThan: .seconds(3600))?.inventory.processCount == 1)
        #expect(reader.latest(notOlderThan: .zero, waitingAtMost: .seconds(30))?.inventory.processCount == 2)
    }

    /// The open of the file does not return, as with a process that holds the lock of its mappings.
    @Test func aProcessThatDelaysTheReadingDelaysNobodyElse() throws {
        let tree = try ProcTree()
        try tree.addProcess(5)
        let maps = tree.directory.file("proc/5/maps")
        try FileManager.default.removeItem(atPath: maps)
        try #require(mkfifo(maps, 0o600) == 0)
        let reader = InventoryReader(tree.roots)
        for _ in 0..<3 { #expect(reader.latest(waitingAtMost: .milliseconds(5)) == nil) }
        // Opens the other end, which lets the reading go on.
        let writer = open(maps, O_WRONLY | O_CLOEXEC)
        close(writer)
        #expect(reader.latest(notOlderThan: .seconds(3600), waitingAtMost: .seconds(30))?.inventory.processCount == 1)
    }
}
