import Foundation

/// A terminal whose screen and keyboard are the test.
public final class PseudoTerminal: Sendable {
    private let controller: Int32
    /// The path of the device that programs open.
    let device: String

    // Macros that Swift does not import: <asm-generic/ioctls.h>.
    private static let unlock: UInt = 0x4004_5431  // TIOCSPTLCK
    private static let numberOfDevice: UInt = 0x8004_5430  // TIOCGPTN

    /// A terminal of that size.
    public init(columns: Int = 80, rows: Int = 24) throws {
        controller = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        var locked: Int32 = 0
        var number: UInt32 = 0
        guard controller >= 0, ioctl(controller, Self.unlock, &locked) == 0,
            ioctl(controller, Self.numberOfDevice, &number) == 0
        else {
            throw TestSupportError("/dev/ptmx: \(String(cString: strerror(errno)))")
        }
        device = "/dev/pts/\(number)"
        resize(columns: columns, rows: rows)
    }

    deinit { close(controller) }

    /// Changes the size; the programs on the terminal get SIGWINCH.
    public func resize(columns: Int, rows: Int) {
        var size = winsize(ws_row: UInt16(rows), ws_col: UInt16(columns), ws_xpixel: 0, ws_ypixel: 0)
        _ = ioctl(controller, UInt(TIOCSWINSZ), &size)
    }

    /// Whether typed keys are shown and wait for the end of their line, as a shell leaves it.
    public var isCooked: Bool {
        var attributes = termios()
        tcgetattr(controller, &attributes)
        return attributes.c_lflag & tcflag_t(ICANON | ECHO | ISIG) == tcflag_t(ICANON | ECHO | ISIG)
    }

    /// Another descriptor of the test's end.
    func duplicate() throws -> Int32 {
        let copy = fcntl(controller, F_DUPFD_CLOEXEC, 0)
        guard copy >= 0 else { throw TestSupportError("fcntl: \(String(cString: strerror(errno)))") }
        return copy
    }
}
