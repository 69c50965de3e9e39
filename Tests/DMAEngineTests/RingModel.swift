import CDMADev
import DMAEngine
import Testing

/// What a ring should do, said as simply as possible: a queue of operations, each with the status that it will get and
/// the bytes that it will have written.
struct RingModel {
    struct Expected {
        var status: UInt16
        var destination: UnsafeMutableRawPointer
        var bytes: [UInt8]
    }

    private(set) var queue: [Expected] = []
    private(set) var enqueued = 0
    private(set) var rung = 0
    private(set) var polled = 0
    private var batchFailed = false
    private var abandoned = false
    private var batchIsNew = true

    /// Notes an operation; a fence in a batch that failed abandons the rest of that batch.
    mutating func enqueue(_ expected: Expected, fence: Bool) {
        if batchIsNew {
            batchFailed = false
            abandoned = false
            batchIsNew = false
        }
        var expected = expected
        if fence, batchFailed { abandoned = true }
        if abandoned {
            expected.status = UInt16(DMADEV_STATUS_NOT_ATTEMPTED)
            expected.bytes = []
        }
        if expected.status != 0 { batchFailed = true }
        queue.append(expected)
        enqueued += 1
    }

    mutating func ring() {
        rung = enqueued
        batchIsNew = true
    }

    /// Takes polled operations off and checks each against what was reported.
    mutating func take(_ statuses: [UInt16]) {
        for (offset, status) in statuses.enumerated() {
            let expected = queue[offset]
            #expect(status == expected.status, "operation \(polled + offset)")
            if status == 0 {
                let written = UnsafeRawBufferPointer(start: expected.destination, count: expected.bytes.count)
                #expect(written.elementsEqual(expected.bytes), "bytes of operation \(polled + offset)")
            }
        }
        queue.removeFirst(statuses.count)
        polled += statuses.count
    }

    var lastIndex: UInt16 { UInt16(truncatingIfNeeded: polled - 1) }
    var occupied: Int { enqueued - polled }
}
