import CommandSupport
import Glibc
import LinuxSystem

/// Compares the copy with its source.
enum Verification {
    /// Reads the files instead of mapping them: a source that was truncated meanwhile is a difference, not a SIGBUS.
    static func compare(
        _ source: SourceFile, with copy: DestinationFile, _ progress: Progress, _ termination: Termination
    ) throws {
        var left = [UInt8](repeating: 0, count: 1 << 20)
        var right = left
        var offset = 0
        progress.begin("comparing", of: source.length)
        while offset < source.length {
            try termination.check(copy.path)
            let wanted = min(left.count, source.length - offset)
            let count = try read(source.path, source.descriptor.raw, at: offset, into: &left, wanted)
            let copied = try read(copy.path, copy.descriptor.raw, at: offset, into: &right, wanted)
            guard count == wanted, copied == wanted, memcmp(left, right, wanted) == 0 else {
                let same = zip(left, right).prefix(min(count, copied)).prefix { $0 == $1 }.count
                throw Failure(
                    "\(copy.path): differs from \(source.path) at offset \(offset + same): "
                        + "the source was changed during the copy, or the device is faulty",
                    status: .different)
            }
            offset += wanted
            progress.show(offset)
        }
    }

    /// Reads until `wanted` bytes or the end of the file; returns the number of bytes.
    private static func read(
        _ path: String, _ descriptor: CInt, at offset: Int, into buffer: inout [UInt8], _ wanted: Int
    ) throws(Failure) -> Int {
        var total = 0
        while total < wanted {
            let count = try calling(path, "read it") {
                buffer.withUnsafeMutableBytes { bytes in
                    pread(descriptor, bytes.baseAddress.map { $0 + total }, wanted - total, off_t(offset + total))
                }
            }
            if count == 0 { break }
            total += count
        }
        return total
    }
}
