/// Where the memory of cases comes from, for a device that does not reach all memory of its process.
public protocol ConformanceMemory: Sendable {
    /// Makes memory that the device reaches.
    ///
    /// - Parameter byteCount: 1 or more.
    func allocate(_ byteCount: Int) throws -> ConformanceBlock
}

/// A piece of memory for cases; given back with the object.
public final class ConformanceBlock {
    /// Where the case finds it, aligned to 64 bytes.
    public let base: UnsafeMutableRawPointer
    /// Where the device finds it.
    public let deviceAddress: UInt64
    private let giveBack: () -> Void

    /// A piece of memory.
    public init(base: UnsafeMutableRawPointer, deviceAddress: UInt64, giveBack: @escaping () -> Void) {
        self.base = base
        self.deviceAddress = deviceAddress
        self.giveBack = giveBack
    }

    deinit {
        giveBack()
    }
}

/// What a case gets memory from.
enum CaseMemory {
    /// Set while a case runs on a device that needs it.
    @TaskLocal static var current: (any ConformanceMemory)?

    static func allocate(_ byteCount: Int) -> ConformanceBlock {
        do {
            if let current { return try current.allocate(byteCount) }
        } catch {
            // A case cannot go on without its memory, and says why.
            fatalError("no memory for a case: \(error)")
        }
        let base = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 64)
        return ConformanceBlock(base: base, deviceAddress: UInt64(UInt(bitPattern: base))) { base.deallocate() }
    }
}
