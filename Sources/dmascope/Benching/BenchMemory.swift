import DMADev
import Glibc

/// Memory that a device reaches: areas of one size side by side, each on cache lines of its own.
final class BenchMemory {
    static let lineSize = 64

    /// Bytes from one area to the next.
    let stride: Int
    private let buffer: DeviceBuffer
    private let device: DMADevice
    private let base: UInt64

    init(_ device: DMADevice, areaSize: Int, areaCount: Int) throws(Failure) {
        let stride = (areaSize + Self.lineSize - 1) / Self.lineSize * Self.lineSize
        let page = Int(getpagesize())
        let count = (stride * areaCount + page - 1) / page * page
        let buffer: DeviceBuffer
        do throws(DMAError) {
            buffer = try device.makeBuffer(byteCount: count)
        } catch {
            throw Failure("no memory for \(ByteCount(count).text): \(error.message): try a smaller --size")
        }
        base = try device.refusing("--device") { () throws(DMAError) in try device.mapMemory(buffer.bytes) }
        // Every page is there before anything is timed.
        for number in 0..<(count / page) { buffer.bytes[number * page] = 0 }
        self.stride = stride
        self.buffer = buffer
        self.device = device
    }

    deinit {
        // A device that was closed meanwhile has let go of it.
        try? device.unmapMemory(iova: base)
    }

    /// An area as the device knows it.
    @inline(__always)
    func iova(_ area: Int) -> UInt64 { base + UInt64(area * stride) }

    /// An area as the program knows it: ``wordCount`` words.
    @inline(__always)
    func words(_ area: Int) -> UnsafeMutablePointer<UInt64> {
        // It has at least a page, so an address.
        (buffer.bytes.baseAddress.unsafelyUnwrapped + area * stride).assumingMemoryBound(to: UInt64.self)
    }

    var wordCount: Int { stride / MemoryLayout<UInt64>.size }

    /// Words from one cache line to the next.
    static let lineWords = lineSize / MemoryLayout<UInt64>.size
}
