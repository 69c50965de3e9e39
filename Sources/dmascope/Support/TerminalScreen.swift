import Glibc
import LinuxSystem
import Synchronization
import SystemPackage

/// The terminal as a screen to draw on, given back as it was.
///
/// Any thread may call ``leave()``, in the worst moment too.
final class TerminalScreen: Sendable {
    /// Held while the terminal is given back: who ends the process meanwhile waits until it is.
    private let isEntered = Mutex(false)
    /// How the keyboard was; `nil` when standard input is no terminal.
    private let keyboard: termios?

    /// Whether the terminal that standard output is can be drawn on.
    static var isPossible: Bool {
        StandardStreams.outputIsTerminal && getenv("TERM").map { String(cString: $0) } != "dumb"
    }

    init() {
        var now = termios()
        keyboard = tcgetattr(STDIN_FILENO, &now) == 0 ? now : nil
    }

    /// Whether keys can be read.
    var hasKeyboard: Bool { keyboard != nil }

    /// Takes the screen, and the keys one by one and unseen.
    func enter() throws(Failure) {
        isEntered.withLock { $0 = true }
        if var raw = keyboard {
            raw.c_lflag &= ~tcflag_t(ICANON | ECHO | ISIG | IEXTEN)
            raw.c_iflag &= ~tcflag_t(IXON | ICRNL)
            withUnsafeMutableBytes(of: &raw.c_cc) { characters in
                characters[Int(VMIN)] = 1
                characters[Int(VTIME)] = 0
            }
            tcsetattr(STDIN_FILENO, TCSADRAIN, &raw)
        }
        // The other screen, and no cursor.
        try StandardStreams.print("\u{1B}[?1049h\u{1B}[?25l", terminator: "")
    }

    /// Gives the screen and the keyboard back. Without effect when they are.
    func leave() {
        isEntered.withLock { isEntered in
            guard isEntered else { return }
            // A terminal that has gone needs nothing.
            try? StandardStreams.print("\u{1B}[?25h\u{1B}[?1049l", terminator: "")
            if var keyboard { tcsetattr(STDIN_FILENO, TCSANOW, &keyboard) }
            isEntered = false
        }
    }

    /// Draws a screenful, over the one before, without flicker.
    func draw(_ lines: [String]) throws(Failure) {
        let text = lines.map { "\($0)\u{1B}[K" }.joined(separator: "\r\n")
        try StandardStreams.print("\u{1B}[H\(text)\u{1B}[J", terminator: "")
    }

    /// Columns and rows.
    var size: (width: Int, height: Int) {
        var size = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
            return (80, 24)
        }
        return (Int(size.ws_col), Int(size.ws_row))
    }

    /// What was typed; `nil` at the end of it.
    func readKeys() -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 256)
        guard case .success(let count) = systemCall({ read(STDIN_FILENO, &buffer, buffer.count) }), count > 0 else {
            return nil
        }
        return Array(buffer[..<count])
    }
}
