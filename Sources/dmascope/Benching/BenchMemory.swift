import DMADev
import Glibc
import SystemPackage

/// Memory that a device reaches: areas of one size side by side, each on cache lines of its own.
final class BenchMemory {
    static let lineSize = 64

    /// Bytes from one area to the next.
    let stride: Int
    private let start: UnsafeMutableRawPointer
    private let count: Int
    private let device: DMADevice
    private let base: UInt64

    init(_ device: DMADevice, areaSize: Int, areaCount: Int) throws(Failure) {
        let stride = (areaSize + Self.lineSize - 1) / Self.lineSize * Self.lineSize
        let count = stride * areaCount
        guard let start = mmap(nil, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            start != MAP_FAILED
        else {
            throw Failure("no memory for \(ByteCount(count).text): \(Errno(rawValue: errno)): try a smaller --size")
        }
        do throws(Failure) {
            base = try device.refusing("--device") { () throws(DMAError) in
                try device.mapMemory(UnsafeMutableRawBufferPointer(start: start, count: count))
            }
        } catch {
            munmap(start, count)
            throw error
        }
        // Every page is there before anything is timed.
        memset(start, 0, count)
        self.stride = stride
        self.start = start
        self.count = count
        self.device = device
    }

    deinit {
        // A device that was closed meanwhile has let go of it.
        try? device.unmapMemory(iova: base)
        munmap(start, count)
    }

    /// An area as the device knows it.
    @inline(__always)
    func iova(_ area: Int) -> UInt64 { base + UInt64(area * stride) }

    /// An area as the program knows it: ``wordCount`` words.
    @inline(__always)
    func words(_ area: Int) -> UnsafeMutablePointer<UInt64> {
        (start + area * stride).assumingMemoryBound(to: UInt64.self)
    }

    var wordCount: Int { stride / MemoryLayout<UInt64>.size }

    /// Words from one cache line to the next.
    static let lineWords = lineSize / MemoryLayout<UInt64>.size
}
