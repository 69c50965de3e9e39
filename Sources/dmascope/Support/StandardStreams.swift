import Glibc
import LinuxSystem
import SystemPackage

/// Standard output and standard error, without buffers: what is written is out.
enum StandardStreams {
    /// Readies the streams of the process: a reader that goes away is an error of the write, not a signal, and a stream
    /// that was closed stays an error instead of becoming the next file that is opened.
    static func prepare() {
        signal(SIGPIPE, SIG_IGN)
        for (stream, access) in [(STDIN_FILENO, O_WRONLY), (STDOUT_FILENO, O_RDONLY), (STDERR_FILENO, O_RDONLY)]
        where fcntl(stream, F_GETFD) < 0 {
            _ = open("/dev/null", access)
        }
    }

    /// Makes a file that outgrows the limit of file sizes an error of the call, not a signal.
    static func reportFullFilesAsErrors() {
        signal(SIGXFSZ, SIG_IGN)
    }

    /// Writes to standard output.
    ///
    /// A reader that has gone (`| head`) has what it wanted: the program ends then, with success.
    static func print(_ text: String, terminator: String = "\n") throws(Failure) {
        switch write(text + terminator, to: STDOUT_FILENO) {
        case nil: return
        case .brokenPipe?: throw Failure("", status: .success)
        case let error?: throw Failure("cannot write to standard output: \(error)")
        }
    }

    /// Writes the line that says why the program ends. Control characters in it, from file names or peers, are escaped.
    static func complain(_ message: String) {
        _ = write("dmascope: \(printable(message))\n", to: STDERR_FILENO)
    }

    /// Writes a line about something that does not end the program.
    static func warn(_ message: String) {
        complain("warning: \(message)")
    }

    /// Writes to standard error as it is; what cannot be written is lost.
    static func show(_ text: String) {
        _ = write(text, to: STDERR_FILENO)
    }

    static var outputIsTerminal: Bool { isatty(STDOUT_FILENO) == 1 }
    static var errorIsTerminal: Bool { isatty(STDERR_FILENO) == 1 }
    static var inputIsTerminal: Bool { isatty(STDIN_FILENO) == 1 }

    /// The width of the terminal that standard error is.
    static var errorColumns: Int {
        var size = winsize()
        return ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 ? Int(size.ws_col) : 80
    }

    /// Whether to write bold and the like: on a terminal that can, to a user who has not set `NO_COLOR`.
    static var outputTakesColor: Bool {
        outputIsTerminal && !isSet("NO_COLOR") && getenv("TERM").map { String(cString: $0) } != "dumb"
    }

    /// Text in which control characters are escaped, so that no peer's string can steer a terminal.
    static func printable(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else { return text }
        return text.unicodeScalars.reduce(into: "") { result, scalar in
            result += scalar.properties.generalCategory == .control ? scalar.escaped(asASCII: true) : String(scalar)
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
                    // Somebody else made the stream non-blocking.
                    var entry = pollfd(fd: stream, events: Int16(POLLOUT), revents: 0)
                    _ = poll(&entry, 1, -1)
                case .failure(let error): return error
                }
            }
            return nil
        }
    }
}
