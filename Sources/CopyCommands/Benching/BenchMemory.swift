import CommandSupport
import DMADev
import Glibc

/// Memory mapped to a device: adjacent areas of one size. No two areas share a cache line.
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
        // Touch every page before the measurement starts.
        for number in 0..<(count / page) { buffer.bytes[number * page] = 0 }
        self.stride = stride
        self.buffer = buffer
        self.device = device
    }

    deinit {
        // This fails if the device was closed before, which has removed the mapping.
        try? device.unmapMemory(iova: base)
    }

    /// The address of an area for the device.
    @inline(__always)
    func iova(_ area: Int) -> UInt64 { base + UInt64(area * stride) }

    /// The address of an area for the program: ``wordCount`` words.
    @inline(__always)
    func words(_ area: Int) -> UnsafeMutablePointer<UInt64> {
        // The buffer has at least one page, so its address is not nil.
        (buffer.bytes.baseAddress.unsafelyUnwrapped + area * stride).assumingMemoryBound(to: UInt64.self)
    }

    var wordCount: Int { stride / MemoryLayout<UInt64>.size }

    /// Words from one cache line to the next.
    static let lineWords = lineSize / MemoryLayout<UInt64>.size
}
