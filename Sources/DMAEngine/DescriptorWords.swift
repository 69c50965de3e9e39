internal import CDMADev
internal import LinuxSystem

/// A descriptor as four words, each of which is read once; see `dmadev_fetch_descriptor`. Unlike its members, they need no
/// shifts to be compared and stored.
struct DescriptorWords {
    let source: UInt64
    let destination: UInt64
    /// Length, kind, flags, and the numbers of entries.
    let shape: UInt64
    let handlers: UInt64

    @inline(__always)
    init(_ slot: UnsafeMutablePointer<dmadev_descriptor>) {
        let words = Self.words(of: slot)
        source = words.loadRelaxed()
        destination = (words + 1).loadRelaxed()
        shape = (words + 2).loadRelaxed()
        handlers = (words + 3).loadRelaxed()
    }

    @inline(__always)
    func store(to slot: UnsafeMutablePointer<dmadev_descriptor>) {
        let words = Self.words(of: slot)
        words[0] = source
        words[1] = destination
        words[2] = shape
        words[3] = handlers
    }

    @inline(__always)
    private static func words(of slot: UnsafeMutablePointer<dmadev_descriptor>) -> UnsafeMutablePointer<UInt64> {
        UnsafeMutableRawPointer(slot).assumingMemoryBound(to: UInt64.self)
    }

    @inline(__always)
    var length: UInt64 { shape & 0xFFFF_FFFF }
    @inline(__always)
    var kind: UInt8 { UInt8(truncatingIfNeeded: shape >> 32) }
    @inline(__always)
    var flags: UInt8 { UInt8(truncatingIfNeeded: shape >> 40) }

    @inline(__always)
    var startsBatch: Bool { shape & UInt64(DMADEV_DESC_BATCH_FIRST) << 40 != 0 }

    /// Whether another operation can be in the same run: kind, handlers, and the flags that a run does not ignore.
    @inline(__always)
    func hasShape(of other: DescriptorWords) -> Bool {
        let ignored = UInt64(DMADEV_DESC_BATCH_FIRST | DMADEV_DESC_FENCE | DMADEV_DESC_LLC)
        return (shape ^ other.shape) & ~(ignored << 40 | 0xFFFF_FFFF) == 0 && handlers == other.handlers
    }
}
