import Glibc
import LinuxSystem
import SystemPackage
import TelemetryWire

/// The two directories above a socket, `ROOT/dpdk` and `ROOT/dpdk/PREFIX`, which servers share.
struct RunDirectories: Sendable {
    private let applications: String
    private let directory: String

    /// A server that stops may remove a directory just when another one wants to use it.
    private static let attempts = 100

    init(filePrefix: String, in root: TelemetryRunDirectory) {
        applications = root.applications
        directory = root.directory(filePrefix: filePrefix)
    }

    /// Makes and checks both directories, then takes the lock.
    func prepareAndLock() throws(TelemetryServerError) -> FileLock {
        var attempt = 1
        while true {
            do throws(PrivateDirectory.Refusal) {
                try PrivateDirectory.prepare(applications, allowsSuperuser: true)
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

    /// Removes the directories that are empty and as they would be made again, so that nobody misses them. One with
    /// another owner or mode is somebody's choice and stays.
    func remove() {
        for path in [directory, applications] {
            var status = stat()
            guard lstat(path, &status) == 0, status.st_uid == geteuid(), status.st_mode & 0o7777 == 0o700 else {
                return
            }
            guard rmdir(path) == 0 else { return }
        }
    }

    private var lockPath: String { directory + "/" + TelemetryRunDirectory.socketName + ".lock" }
}
