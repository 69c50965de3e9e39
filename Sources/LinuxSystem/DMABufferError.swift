import Glibc
public import SystemPackage

/// Why a dma-buf could not be made.
public struct DMABufferError: Error, Sendable, CustomStringConvertible {
    /// The kind of failure.
    public enum Code: Sendable {
        /// The kernel has no exporter of this kind, or the process has no right to use it.
        case noExporter
        /// The exporter refused the memory, its part, or the name.
        case invalid
        /// The system or the exporter has no memory or no descriptors left.
        case exhausted
        /// Another error.
        case system
    }

    /// The kind of failure.
    public let code: Code
    /// The error of the system call.
    public let errno: Errno
    /// What was wrong, and what to do.
    public let description: String

    init(_ code: Code, _ errno: Errno, _ description: String) {
        self.code = code
        self.errno = errno
        self.description = "\(description) (\(errno))"
    }

    /// Opens the device file of an exporter.
    static func open(
        _ path: String, _ access: CInt, remedy: String
    ) throws(DMABufferError) -> OwnedDescriptor {
        switch systemCall({ Glibc.open(path, access | O_CLOEXEC) }) {
        case .success(let raw): return OwnedDescriptor(adopting: raw)
        case .failure(let errno)
        where [.noSuchFileOrDirectory, .operationNotSupportedByDevice, .noSuchAddressOrDevice].contains(errno):
            throw DMABufferError(.noExporter, errno, "\(path) does not exist: \(remedy)")
        case .failure(let errno) where [.permissionDenied, .notPermitted].contains(errno):
            throw DMABufferError(
                .noExporter, errno, "\(path) cannot be opened: give this user the right to read and write it")
        case .failure(let errno): throw other("\(path) cannot be opened", errno)
        }
    }

    static func other(_ what: String, _ errno: Errno) -> DMABufferError {
        let isExhausted = [.noMemory, .tooManyOpenFiles, .tooManyOpenFilesInSystem].contains(errno)
        return DMABufferError(isExhausted ? .exhausted : .system, errno, what)
    }
}
