import Glibc
import LinuxSystem
import SystemPackage

/// Replaces a file's content atomically: a reader sees the old text or the new one, never a part.
struct ReplacedFile {
    let path: String

    /// Writes a temporary file in the same directory and renames it. The file has mode 0644, less the umask.
    func replace(with text: String) throws(Failure) {
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
        let raw = try tryingSystemCall { open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o644) }
        let file = OwnedDescriptor(adopting: raw)
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
}
