import CommandSupport
import Glibc
import LinuxSystem
import SystemPackage

/// Where an exported trace goes: to standard output, or to a file that appears when it is complete.
final class ExportDestination {
    private let path: String?
    private let temporary: String
    private var descriptor: CInt = -1
    private var failure: Failure?

    /// - Parameter path: the file; `nil` for standard output.
    /// - Throws: ``Failure``: the file cannot be written.
    init(_ path: String?) throws(Failure) {
        self.path = path
        guard let path else {
            temporary = ""
            return
        }
        var status = stat()
        if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
            throw Failure("\(path) is no regular file: leave --output out and redirect standard output")
        }
        let slash = path.lastIndex(of: "/")
        let folder = slash.map { path[...$0] } ?? ""
        let name = slash.map { path[path.index(after: $0)...] } ?? path[...]
        temporary = "\(folder).\(name).\(getpid())"
        let opened = systemCall {
            open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o644)
        }
        switch opened {
        case .success(let opened): descriptor = opened
        case .failure(let error): throw Self.failure(path, error)
        }
    }

    /// The file until it is complete; `nil` for standard output.
    var temporaryFile: String? { path == nil ? nil : temporary }

    /// Nothing stays of a file that is not complete.
    deinit { discard() }

    /// Writes the next piece; returns whether it could.
    func write(_ bytes: [UInt8]) -> Bool {
        guard failure == nil else { return false }
        do throws(Failure) {
            guard let path else {
                try StandardStreams.print(String(decoding: bytes, as: UTF8.self), terminator: "")
                return true
            }
            var done = 0
            while done < bytes.count {
                let result = bytes[done...].withUnsafeBytes { rest in
                    systemCall { Glibc.write(descriptor, rest.baseAddress, rest.count) }
                }
                switch result {
                case .success(let count): done += count
                case .failure(let error): throw Self.failure(path, error)
                }
            }
            return true
        } catch {
            failure = error
            return false
        }
    }

    /// Throws what a write has failed with.
    func check() throws(Failure) {
        if let failure { throw failure }
    }

    /// Gives the file its name.
    func complete() throws(Failure) {
        guard let path else { return }
        let result = systemCall { rename(temporary, path) }
        if case .failure(let error) = result { throw Self.failure(path, error) }
        close(descriptor)
        descriptor = -1
    }

    private func discard() {
        guard descriptor >= 0 else { return }
        close(descriptor)
        unlink(temporary)
        descriptor = -1
    }

    private static func failure(_ path: String, _ error: Errno) -> Failure {
        Failure("cannot write \(path): \(error): choose a file on a disk with room, where you can write")
    }
}
