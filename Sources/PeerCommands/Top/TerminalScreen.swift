import CommandSupport
import Glibc
import LinuxSystem
import Synchronization
import SystemPackage

/// The terminal as a screen to draw on; ``leave()`` restores it.
///
/// Any thread may call ``leave()``, at any time.
final class TerminalScreen: Sendable {
    /// Held while the terminal is restored: a thread that wants to end the process waits for it.
    private let isEntered = Mutex(false)
    /// The saved keyboard settings; `nil` if standard input is no terminal.
    private let keyboard: termios?

    /// Whether standard output is a terminal that can be drawn on.
    static var isPossible: Bool {
        StandardStreams.outputIsTerminal && getenv("TERM").map { String(cString: $0) } != "dumb"
    }

    init() {
        var now = termios()
        keyboard = tcgetattr(STDIN_FILENO, &now) == 0 ? now : nil
    }

    /// Whether keys can be read.
    var hasKeyboard: Bool { keyboard != nil }

    /// Whether the terminal's keys are for this job. A shell takes the terminal from a job that stops.
    var isInForeground: Bool {
        let owner = tcgetpgrp(STDIN_FILENO)
        return owner < 0 || owner == getpgrp()
    }

    /// Remembers that the terminal belongs to another job: ``leave()`` must not change it.
    func abandon() {
        isEntered.withLock { $0 = false }
    }

    /// Switches to the alternate screen, and to unbuffered keys without echo. It may be called again after another job has
    /// used the terminal.
    func enter() throws(Failure) {
        isEntered.withLock { $0 = true }
        if var raw = keyboard {
            raw.c_lflag &= ~tcflag_t(ICANON | ECHO | ISIG | IEXTEN)
            raw.c_iflag &= ~tcflag_t(IXON | ICRNL)
            withUnsafeMutableBytes(of: &raw.c_cc) { characters in
                characters[Int(VMIN)] = 1
                characters[Int(VTIME)] = 0
            }
            _ = systemCall { tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) }
        }
        // The alternate screen, without cursor.
        try StandardStreams.print("\u{1B}[?1049h\u{1B}[?25l", terminator: "")
    }

    /// Restores the screen and the keyboard. No effect if they are restored already.
    func leave() {
        isEntered.withLock { isEntered in
            guard isEntered else { return }
            // The error is ignored: a terminal that was closed needs no restoring.
            try? StandardStreams.print("\u{1B}[?25h\u{1B}[?1049l", terminator: "")
            if var keyboard { tcsetattr(STDIN_FILENO, TCSANOW, &keyboard) }
            isEntered = false
        }
    }

    /// Draws the lines over the previous ones, without clearing the screen first, which would flicker.
    func draw(_ lines: [String]) throws(Failure) {
        let text = lines.map { "\($0)\u{1B}[K" }.joined(separator: "\r\n")
        try StandardStreams.print("\u{1B}[H\(text)\u{1B}[J", terminator: "")
    }

    /// The terminal's columns and rows; 80 and 24 if unknown.
    var size: (width: Int, height: Int) {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
            return (80, 24)
        }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    /// The bytes that were typed; `nil` at the end of the input.
    func readKeys() -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 256)
        guard case .success(let count) = systemCall({ read(STDIN_FILENO, &buffer, buffer.count) }), count > 0 else {
            return nil
        }
        return Array(buffer[..<count])
    }
}
