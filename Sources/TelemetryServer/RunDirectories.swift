import Glibc
import LinuxSystem
import SystemPackage
import TelemetryWire

/// The two directories above a socket, `ROOT/dpdk` and `ROOT/dpdk/PREFIX`, which servers share.
struct RunDirectories: Sendable {
    private let applications: String
    private let directory: String
    private var madeApplications = false

    /// A server that stops may remove a directory just when another one wants to use it.
    private static let attempts = 100

    init(filePrefix: String, in root: TelemetryRunDirectory) {
        applications = root.applications
        directory = root.directory(filePrefix: filePrefix)
    }

    /// Makes and checks both directories, then takes the lock.
    mutating func prepareAndLock() throws(TelemetryServerError) -> FileLock {
        var attempt = 1
        while true {
            do throws(PrivateDirectory.Refusal) {
                if try PrivateDirectory.prepare(applications, allowsSuperuser: true) { madeApplications = true }
                try PrivateDirectory.prepare(directory)
                do throws(Errno) {
                    return try FileLock(path: lockPath)
                } catch {
                    throw PrivateDirectory.Refusal(errno: error, reason: "cannot lock \(directory): \(error)")
                }
            } catch {
                guard error.errno == .noSuchFileOrDirectory, attempt < Self.attempts else {
                    throw TelemetryServerError(.directoryRefused, error.reason, errno: error.errno)
                }
            }
            attempt += 1
        }
    }

    /// The lock, if it can be had.
    func lock() -> FileLock? {
        try? FileLock(path: lockPath)
    }

    /// Removes the prefix's directory when it is empty, and the one above when it was made here: else it is for others
    /// to keep, perhaps with an owner and a mode of somebody's choice.
    func remove() {
        _ = rmdir(directory)
        if madeApplications { _ = rmdir(applications) }
    }

    private var lockPath: String { directory + "/" + TelemetryRunDirectory.socketName + ".lock" }
}
