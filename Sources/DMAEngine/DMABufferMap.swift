internal import LinuxSystem
internal import SystemPackage

/// The dma-bufs that the operations of a device access: an engine begins and ends each access to them, once for all
/// operations of a burst, and with the directions in which these access it.
///
/// Control threads change it, one at a time. Beginning an access can wait without end for other devices that use the
/// buffer: only for engines that serve a single application.
public final class DMABufferMap: Sendable {
    /// A mapped part of a dma-buf.
    struct Buffer: BitwiseCopyable {
        var address: UInt64
        var byteCount: UInt64
        /// Open as long as the buffer is in the map.
        var descriptor: CInt
        /// How accesses begin and end; alive as long as the map.
        var calls: Unmanaged<Calls>
    }

    /// How accesses begin and end. Tests have their own.
    package final class Calls: Sendable {
        let begin: @Sendable (UInt64, CInt) -> Bool
        let end: @Sendable (UInt64, CInt) -> Void

        /// - Parameters:
        ///   - begin: receives the directions (1: read, 2: write) and the descriptor; returns whether it has begun.
        ///   - end: receives the same.
        package init(
            begin: @escaping @Sendable (UInt64, CInt) -> Bool, end: @escaping @Sendable (UInt64, CInt) -> Void
        ) {
            self.begin = begin
            self.end = end
        }

        /// The system's.
        static var system: Calls {
            Calls(
                begin: { (try? DMABuffer.beginAccess(DMABuffer.Access(rawValue: $0), to: $1)) != nil },
                end: { try? DMABuffer.endAccess(DMABuffer.Access(rawValue: $0), to: $1) })
        }
    }

    private let engine: Engine
    private let buffers = Locked<[Buffer]>([])
    private let calls: Calls
    let table = EngineTable<Buffer>()

    /// An empty map for devices of one engine.
    public convenience init(engine: Engine) { self.init(engine: engine, calls: .system) }

    /// The same with other calls.
    package init(engine: Engine, calls: Calls) {
        self.engine = engine
        self.calls = calls
    }

    deinit {
        table.deallocate()
    }

    /// Adds a mapped part of a dma-buf, which overlaps no other one. When it returns, the engine begins and ends its
    /// accesses to it.
    ///
    /// - Parameters:
    ///   - address: its first address in this process.
    ///   - byteCount: 1 at least.
    ///   - descriptor: stays open until the part is removed.
    public func insert(address: UInt64, byteCount: UInt64, descriptor: CInt) {
        change { buffers in
            buffers.append(
                Buffer(
                    address: address, byteCount: byteCount, descriptor: descriptor,
                    calls: .passUnretained(calls)))
            buffers.sort { $0.address < $1.address }
        }
    }

    /// Removes a part. When it returns, the engine does not use its descriptor.
    public func remove(address: UInt64) {
        change { buffers in
            if let index = buffers.firstIndex(where: { $0.address == address }) { buffers.remove(at: index) }
        }
    }

    private func change(_ body: (inout [Buffer]) -> Void) {
        let old = buffers.withLock { buffers in
            body(&buffers)
            return table.replace(with: buffers)
        }
        engine.passQuiescentPoint()
        withExtendedLifetime(old) {}
    }
}
