import CDMADev
import CDMATrace

/// The events whose arguments are a ring.
extension TraceEveryEvent {
    static func traceBurstOnce() {
        var ring = Ring(slotCount: 4, longestList: 3)
        // The ring index wraps within the burst, and so does the slot.
        ring.place(0xFFFE, dmadev_descriptor(src: 0xFFFF_8000_0000_1000, dst: 2, length: 64, kind: 1, flags: 0x3))
        ring.place(0xFFFF, [Entry(0x3000, 10), Entry(0x4000, 20)], [Entry(0xFFFF_8000_0000_5000, 30)])
        ring.place(
            0x10000,
            dmadev_descriptor(
                src: .max, dst: 0x6000, length: .max, kind: 3, flags: 0xA4, handlers: (0xFFFF, 0xFFFE)))
        ring.trace(index: 0xFFFE, count: 3, isFlagged: true)
    }

    static func tracePublicationOnce() {
        let (status, counts) = ([0, 3, 0x100], [2, 1]) as ([UInt16], [UInt16])
        let (sinceDoorbell, sinceStart) = ([1 << 40, 200], [1 << 39, 0]) as ([UInt64], [UInt64])
        status.withUnsafeBufferPointer { status in
            counts.withUnsafeBufferPointer { counts in
                sinceDoorbell.withUnsafeBufferPointer { sinceDoorbell in
                    sinceStart.withUnsafeBufferPointer { sinceStart in
                        // The arrays are not empty, so each has an address.
                        var publication = dmatrace_publication(
                            ring_idx: 65535, nb_ops: 3, nb_batches: 2, status: status.baseAddress!,
                            batch_nb_ops: counts.baseAddress!, since_doorbell: sinceDoorbell.baseAddress!,
                            since_start: sinceStart.baseAddress!)
                        dmatrace_dmadev_engine_completed_burst(7, 1 << 40, 3, 1, &publication)
                    }
                }
            }
        }
    }

    static func traceBurstEdges() {
        var ring = Ring(slotCount: 1024, longestList: 64)
        // Three events; the last slot of the ring is in the first of them.
        for number in 0..<600 {
            ring.place(UInt64(1000 + number), dmadev_descriptor(src: UInt64(number), dst: 0, length: 1, kind: 1))
        }
        ring.trace(index: 1000, count: 600, isFlagged: true)
        ring.trace(index: 1000, count: 0, isFlagged: false)
        // The largest event that there can be, and one more operation.
        let list = (0..<64).map { Entry(UInt64($0), UInt32($0)) }
        for number in 0..<4 { ring.place(UInt64(number), list, list) }
        for number in 4..<257 {
            ring.place(
                UInt64(number),
                dmadev_descriptor(src: 7, dst: 8, length: 9, kind: 1, flags: 0x30, handlers: (5, UInt16(number))))
        }
        ring.trace(index: 0, count: 257, isFlagged: false)
        // The fifth has no room beside four.
        ring.place(4, list, list)
        ring.trace(index: 0, count: 5, isFlagged: false)
    }

    /// A descriptor ring in memory.
    private struct Ring {
        let longestList: Int
        var descriptors: [dmadev_descriptor]
        var entries: [dmadev_sge]

        init(slotCount: Int, longestList: Int) {
            self.longestList = longestList
            descriptors = Array(repeating: dmadev_descriptor(), count: slotCount)
            entries = Array(repeating: dmadev_sge(), count: slotCount * 2 * longestList)
        }

        mutating func place(_ index: UInt64, _ descriptor: dmadev_descriptor) {
            descriptors[Int(index) % descriptors.count] = descriptor
        }

        mutating func place(_ index: UInt64, _ sources: [Entry], _ destinations: [Entry]) {
            place(
                index,
                dmadev_descriptor(kind: 2, lists: (UInt8(sources.count), UInt8(destinations.count))))
            let region = Int(index) % descriptors.count * 2 * longestList
            for (list, first) in [(sources, region), (destinations, region + longestList)] {
                for (number, entry) in list.enumerated() {
                    entries[first + number] = dmadev_sge(addr: entry.address, length: entry.length, reserved: 0)
                }
            }
        }

        func trace(index: UInt64, count: UInt32, isFlagged: Bool) {
            descriptors.withUnsafeBufferPointer { descriptors in
                entries.withUnsafeBufferPointer { entries in
                    guard let descriptors = descriptors.baseAddress, let entries = entries.baseAddress else { return }
                    var ring = dmatrace_ring(
                        descriptors: descriptors, entries: entries, nb_descriptors: UInt32(self.descriptors.count),
                        nb_slots: UInt32(self.descriptors.count),
                        max_sges: UInt16(longestList))
                    dmatrace_dmadev_burst(3, 1, &ring, index, count, isFlagged)
                }
            }
        }
    }
}

extension dmadev_descriptor {
    fileprivate init(
        src: UInt64 = 0, dst: UInt64 = 0, length: UInt32 = 0, kind: UInt8, flags: UInt8 = 0,
        lists: (UInt8, UInt8) = (0, 0), handlers: (UInt16, UInt16) = (0, 0)
    ) {
        self.init(
            src: src, dst: dst, length: length, kind: kind, flags: flags, nb_src: lists.0, nb_dst: lists.1,
            src_handler: handlers.0, dst_handler: handlers.1, reserved: 0)
    }
}
