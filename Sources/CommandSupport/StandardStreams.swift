import Glibc
import LinuxSystem
import SystemPackage

/// Unbuffered standard output and standard error.
package enum StandardStreams {
    /// Prepares the streams of the process: a write to a closed pipe returns an error instead of raising SIGPIPE, and
    /// the number of a closed stream is occupied, so that it is not given to the next file that is opened.
    package static func prepare() {
        signal(SIGPIPE, SIG_IGN)
        for (stream, access) in [(STDIN_FILENO, O_WRONLY), (STDOUT_FILENO, O_RDONLY), (STDERR_FILENO, O_RDONLY)]
        where fcntl(stream, F_GETFD) < 0 {
            _ = open("/dev/null", access)
        }
    }

    /// Makes a write beyond the file size limit return an error instead of raising SIGXFSZ.
    package static func reportFullFilesAsErrors() {
        signal(SIGXFSZ, SIG_IGN)
    }

    /// Writes to standard output.
    ///
    /// If the reader has closed the pipe (`| head`), it throws a ``Failure`` with status success.
    package static func print(_ text: String, terminator: String = "\n") throws(Failure) {
        switch write(text + terminator, to: STDOUT_FILENO) {
        case nil: return
        case .brokenPipe?: throw Failure("", status: .success)
        case let error?: throw Failure("cannot write to standard output: \(error)")
        }
    }

    /// Writes a line that says why the program ends. Control characters, from file names or peers, are escaped.
    package static func reportError(_ message: String) {
        _ = write("dmascope: \(printable(message))\n", to: STDERR_FILENO)
    }

    /// Writes a warning: the program continues.
    package static func warn(_ message: String) {
        reportError("warning: \(message)")
    }

    /// Writes the unchanged text to standard error and ignores errors.
    package static func show(_ text: String) {
        _ = write(text, to: STDERR_FILENO)
    }

    package static var outputIsTerminal: Bool { isatty(STDOUT_FILENO) == 1 }
    package static var errorIsTerminal: Bool { isatty(STDERR_FILENO) == 1 }
    package static var inputIsTerminal: Bool { isatty(STDIN_FILENO) == 1 }

    /// The width of the terminal on standard error; 80 if unknown.
    package static var errorColumns: Int {
        var size = winsize()
        return ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
    }

    /// Whether to write escape sequences, as bold: on a capable terminal, if `NO_COLOR` is not set.
    package static var outputTakesColor: Bool {
        outputIsTerminal && !isSet("NO_COLOR") && getenv("TERM").map { String(cString: $0) } != "dumb"
    }

    /// The text with escaped control characters, so that a peer's string cannot control the terminal, and escaped
    /// directional ones, so that it cannot change the order in which other text is shown.
    package static func printable(_ text: String) -> String {
        func isEscaped(_ scalar: Unicode.Scalar) -> Bool {
            scalar.properties.generalCategory == .control || scalar.properties.isBidiControl
        }
        guard text.unicodeScalars.contains(where: isEscaped) else { return text }
        return text.unicodeScalars.reduce(into: "") { result, scalar in
            result += isEscaped(scalar) ? scalar.escaped(asASCII: true) : String(scalar)
        }
    }

    private static func isSet(_ variable: String) -> Bool {
        getenv(variable).map { $0.pointee != 0 } ?? false
    }

    private static func write(_ text: String, to stream: CInt) -> Errno? {
        var text = text
        return text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)[...]
            while !rest.isEmpty {
                let now = UnsafeRawBufferPointer(rebasing: rest)
                switch systemCall({ Glibc.write(stream, now.baseAddress, now.count) }) {
                case .success(let count): rest = rest.dropFirst(count)
                case .failure(.resourceTemporarilyUnavailable):
                    // Another process that shares the stream made it non-blocking.
                    var entry = pollfd(fd: stream, events: Int16(POLLOUT), revents: 0)
                    _ = poll(&entry, 1, -1)
                case .failure(let error): return error
                }
            }
            return nil
        }
    }
}
