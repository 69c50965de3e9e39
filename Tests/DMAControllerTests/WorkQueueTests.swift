import GroupTable
import Testing

@testable import DMAController

/// Who is served next.
@Suite struct WorkQueueTests {
    @Test func anItemOfOneTenantWaitsForOneItemOfEachOther() {
        var queue = WorkQueue<Int>()
        for number in 0..<10_000 { queue.add(number, for: .user(1)) }
        queue.add(-2, for: .user(2))
        queue.add(-3, for: nil)
        #expect((0..<5).map { _ in queue.next() } == [0, -2, -3, 1, 2])
        queue.add(-2, for: .user(2))
        queue.add(-4, for: .user(2))
        #expect((0..<4).map { _ in queue.next() } == [3, -2, 4, -4])
        // The items of one tenant keep their order, and none is lost.
        #expect((5..<10_000).allSatisfy { queue.next() == $0 })
        #expect(queue.isEmpty && queue.next() == nil)
    }
}
