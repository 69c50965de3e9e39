import CLinux
import Glibc

/// For descriptors of libraries that do not set this flag themselves: a program that this process starts must not
/// inherit them.
public enum CloseOnExec {
    /// Sets the flag of all open descriptors except the standard streams. Errors are ignored: the flag is a precaution.
    ///
    /// C: `close_range` with `CLOSE_RANGE_CLOEXEC`
    public static func setAll() {
        _ = clinux_close_on_exec(3)
    }

    /// Sets the flag of one descriptor. Errors are ignored.
    ///
    /// C: `fcntl` with `F_SETFD`
    public static func set(_ descriptor: CInt) {
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }
}
