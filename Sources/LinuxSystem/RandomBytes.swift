import CLinux
import Glibc

/// Random bytes from the kernel, fit for secrets.
public enum RandomBytes {
    /// Fills memory; waits, once after the machine's start, until the kernel has collected enough chance.
    ///
    /// C counterpart: `getrandom(2)`.
    public static func fill(_ memory: UnsafeMutableRawBufferPointer) {
        guard let base = memory.baseAddress else { return }
        var done = 0
        while done < memory.count {
            // The one failure that valid memory leaves is a signal's, and it is tried again.
            let count = clinux_getrandom(base + done, memory.count - done)
            if count > 0 { done += count }
        }
    }

    /// Overwrites a secret; unlike a plain store the compiler never leaves it out.
    ///
    /// C counterpart: `explicit_bzero(3)`.
    public static func wipe(_ memory: UnsafeMutableRawBufferPointer) {
        guard let base = memory.baseAddress else { return }
        explicit_bzero(base, memory.count)
    }
}
