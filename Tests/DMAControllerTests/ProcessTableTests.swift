import Glibc
import LinuxSystem
import TestSupport
import Testing

@testable import DMAController

/// Processes as the controller tells them apart.
@Suite struct ProcessTableTests {
    private let identity: ProcessTable.Identity

    init() throws {
        let process = try ProcessDescriptor.open(getpid())
        let identity = ProcessIdentity(of: process, pid: getpid())
        self.identity = .process(try #require(identity))
    }

    @Test func theConnectionsOfOneProcessShareANumberThatNeverComesAgain() {
        var table = ProcessTable()
        #expect([table.connect(identity), table.connect(identity), table.connect(nil)] == [1, 1, 2])
        #expect([table.connect(nil), table.connect(identity)] == [3, 1])
        #expect([1, 1, 2, 2, 3].map { table.disconnect($0) } == [false, false, true, false, true])
        #expect(table.disconnect(1) && !table.disconnect(1))
        #expect(table.connect(identity) == 4)
    }

    @Test func aProcessThatHasUsedUpItsAddressesTakesNoneOfOthers() {
        var table = ProcessTable()
        let (one, other) = (table.connect(identity), table.connect(nil))
        var starts: [UInt64] = []
        while let start = table.takeAddresses(1 << 56, of: one) { starts.append(start) }
        #expect(starts.count > 120 && starts.allSatisfy { $0 >= 1 << 57 && $0 + (1 << 56) <= 1 << 63 })
        let sorted = starts.sorted()
        #expect(zip(sorted, sorted.dropFirst()).allSatisfy { $0 + (1 << 56) < $1 })
        // A new connection of the process has no new ones.
        #expect(table.connect(identity) == one && table.takeAddresses(1 << 56, of: one) == nil)
        #expect(table.takeAddresses(1 << 56, of: other) != nil)
        for bytes in [1 << 63, .max] as [UInt64] { #expect(table.takeAddresses(bytes, of: other) == nil) }
    }
}
