internal import CDMADev
internal import CLinux
internal import LinuxSystem

/// A descriptor as four words, each of which is read once; see `dmadev_fetch_descriptor`. A run compares them with those of
/// the next descriptors.
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
    var isFill: Bool { kind == UInt8(DMADEV_KIND_FILL) }
    @inline(__always)
    var startsBatch: Bool { shape & Self.batchFirst != 0 }

    private static let batchFirst = UInt64(DMADEV_DESC_BATCH_FIRST) << 40
    /// The flags that a run ignores.
    private static let varying = UInt64(DMADEV_DESC_BATCH_FIRST | DMADEV_DESC_FENCE | DMADEV_DESC_LLC) << 40

    /// The run of operations in these ranges that have its kind, its handlers, and its flags other than those that a run
    /// ignores.
    @inline(__always)
    func run(_ ranges: RangeMemory, doorbellTimes: UnsafePointer<UInt64>) -> clinux_run {
        clinux_run(
            shape: shape, varying: Self.varying, mark: Self.batchFirst, words: doorbellTimes, rest: handlers,
            src: ranges.source.forRun, dst: ranges.destination.forRun, is_fill: isFill ? 1 : 0)
    }

    @inline(__always)
    var descriptor: dmadev_descriptor {
        dmadev_descriptor(
            src: source, dst: destination, length: UInt32(truncatingIfNeeded: shape), kind: kind, flags: flags,
            nb_src: UInt8(truncatingIfNeeded: shape >> 48), nb_dst: UInt8(truncatingIfNeeded: shape >> 56),
            src_handler: UInt16(truncatingIfNeeded: handlers), dst_handler: UInt16(truncatingIfNeeded: handlers >> 16),
            reserved: 0)
    }

    /// The descriptor of another operation of its run, without the flags that a run ignores.
    func descriptor(of move: clinux_move) -> dmadev_descriptor {
        var descriptor = descriptor
        (descriptor.src, descriptor.dst) = (move.src, move.dst)
        descriptor.length = UInt32(truncatingIfNeeded: move.bytes)
        descriptor.flags &= ~UInt8(truncatingIfNeeded: Self.varying >> 40)
        return descriptor
    }
}
