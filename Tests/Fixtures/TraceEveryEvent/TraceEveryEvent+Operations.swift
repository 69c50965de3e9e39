import CDMADev
import CDMATrace

/// The events whose arguments are operations in memory.
extension TraceEveryEvent {
    static func traceOperationsOnce() {
        withOperations([
            Operation(
                flags: 0x3, userMeta: 0xFFFF_0000_0000_0001, sources: [Entry(0x1000, 10), Entry(0x2000, 20)],
                destinations: [Entry(0x9000, 30)]),
            nil,
            Operation(
                flags: 0, userMeta: 2, sources: [Entry(0x3000, 40)],
                destinations: [Entry(0xFFFF_8000_0000_A000, 15), Entry(0xB000, 25)]),
        ]) { dmatrace_dmadev_enqueue_ops(3, 1, $0, $1, 2) }
        // Two pointers of four were filled in: the others lead nowhere.
        withOperations([
            Operation(userMeta: 0xFFFF_0000_0000_0001, status: 0), Operation(userMeta: 2, status: 0x100),
        ]) { operations, _ in
            let pointers = UnsafeRawBufferPointer(start: operations, count: 2 * MemoryLayout<UInt>.stride)
            let array = pointers.bindMemory(to: UInt.self) + [1, 1]
            dmatrace_dmadev_dequeue_ops(3, 1, array, 4, 2)
        }
    }

    static func traceOperationEdges() {
        dmatrace_dmadev_enqueue_ops(0, 0, nil, 5, -22)
        withOperations([]) { dmatrace_dmadev_enqueue_ops(0, 0, $0, $1, 0) }
        // More operations than are recorded, with entries in those too.
        withOperations(
            (0..<70).map {
                Operation(flags: 0, userMeta: $0, sources: [Entry(0x1000 + $0, 1)], destinations: [])
            }
        ) { dmatrace_dmadev_enqueue_ops(0, 0, $0, $1, 70) }
        // More entries than are recorded: the cut falls into the second operation, and the third has lost all.
        withOperations(
            (0..<3).map { (operation: UInt64) in
                let sources = (0..<200).map { Entry(operation * 0x1000 + $0, UInt32($0)) }
                return Operation(flags: 0, userMeta: operation, sources: sources, destinations: [Entry(operation, 7)])
            }
        ) { dmatrace_dmadev_enqueue_ops(0, 0, $0, $1, 3) }

        dmatrace_dmadev_dequeue_ops(0, 0, nil, 8, 3)
        withOperations([nil, Operation(userMeta: 5, status: 3)]) {
            dmatrace_dmadev_dequeue_ops(0, 0, $0, $1, -22)
            dmatrace_dmadev_dequeue_ops(0, 0, $0, $1, 0)
            dmatrace_dmadev_dequeue_ops(0, 0, $0, $1, 2)
        }
        withOperations((0..<300).map { Operation(userMeta: UInt64($0), status: $0 + 1) }) {
            dmatrace_dmadev_dequeue_ops(0, 0, $0, $1, 300)
        }
    }

    struct Entry {
        let address: UInt64
        let length: UInt32

        init(_ address: UInt64, _ length: UInt32) {
            self.address = address
            self.length = length
        }
    }

    struct Operation {
        var flags: UInt64 = 0
        var userMeta: UInt64 = 0
        var status: UInt32 = 0
        var sources: [Entry] = []
        var destinations: [Entry] = []

        /// The operation as the events read it, its entries right behind it.
        func allocated() -> UnsafeMutableRawPointer {
            let entries = sources + destinations
            let size = MemoryLayout<dmadev_op>.size
            let stride = MemoryLayout<dmadev_sge>.stride
            let memory = UnsafeMutableRawPointer.allocate(byteCount: size + entries.count * stride, alignment: 8)
            var operation = dmadev_op()
            operation.flags = flags
            operation.status = status
            operation.user_meta = userMeta
            operation.nb_src = UInt16(sources.count)
            operation.nb_dst = UInt16(destinations.count)
            memory.storeBytes(of: operation, as: dmadev_op.self)
            for (index, entry) in entries.enumerated() {
                memory.storeBytes(
                    of: dmadev_sge(addr: entry.address, length: entry.length, reserved: 0),
                    toByteOffset: size + index * stride, as: dmadev_sge.self)
            }
            return memory
        }
    }

    /// Calls `body` with an array of pointers to `operations`, `nil` as it is, and their number.
    static func withOperations(_ operations: [Operation?], _ body: (UnsafeRawPointer?, UInt16) -> Void) {
        let pointers = operations.map { $0?.allocated() }
        pointers.withUnsafeBytes { body($0.baseAddress, UInt16(pointers.count)) }
        for pointer in pointers { pointer?.deallocate() }
    }
}
