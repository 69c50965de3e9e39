import ArgumentParser
import Glibc
import LinuxSystem
import SystemPackage

/// Replaces a file's content atomically: a reader sees the old text or the new one, never a part.
package struct ReplacedFile {
    let path: String
    /// `nil`: that of the file that is replaced; of a new file, 0644.
    let mode: FileMode?

    package init(path: String, mode: FileMode?) {
        self.path = path
        self.mode = mode
    }

    /// Writes a temporary file in the same directory and renames it. The umask does not change the mode: whoever reads the
    /// file, as node_exporter does, is usually another user.
    package func replace(with text: String) throws(Failure) {
        let slash = path.lastIndex(of: "/")
        let folder = slash.map { path[...$0] } ?? ""
        let name = slash.map { path[path.index(after: $0)...] } ?? path[...]
        // node_exporter's textfile collector reads only names that end in .prom, so not this one.
        let temporary = "\(folder).\(name).\(getpid())"
        do throws(Errno) {
            try write(text, to: temporary)
            try tryingSystemCall { rename(temporary, path) }
        } catch {
            _ = unlink(temporary)
            throw Failure("cannot write \(path): \(error): choose a file in a directory that you can write to")
        }
    }

    private func write(_ text: String, to path: String) throws(Errno) {
        let raw = try tryingSystemCall { open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600) }
        let file = OwnedDescriptor(adopting: raw)
        try tryingSystemCall { fchmod(raw, (mode ?? currentMode ?? .readable).bits) }
        let bytes = Array(text.utf8)
        var done = 0
        while done < bytes.count {
            let result = bytes[done...].withUnsafeBytes { rest in
                systemCall { Glibc.write(raw, rest.baseAddress, rest.count) }
            }
            done += try result.get()
        }
        _ = consume file
    }

    private var currentMode: FileMode? {
        var status = stat()
        return stat(path, &status) == 0 ? FileMode(bits: status.st_mode & 0o777) : nil
    }
}

/// The permission bits of a file, written in octal: `0644`.
package struct FileMode: ExpressibleByArgument, Equatable {
    package let bits: mode_t

    /// All users read, the owner writes.
    static let readable = FileMode(bits: 0o644)

    init(bits: mode_t) {
        self.bits = bits
    }

    package init?(argument: String) {
        guard let bits = mode_t(argument, radix: 8), bits <= 0o777 else { return nil }
        self.bits = bits
    }
}
