import Glibc
public import TelemetryWire
public import TestSupport

extension TemporaryDirectory {
    /// The directory as the root of run directories.
    public var runDirectory: TelemetryRunDirectory { TelemetryRunDirectory(root: path) }

    /// Makes the run directory of a file prefix as a server does, private to this user.
    public func makeRunDirectory(_ prefix: String) {
        mkdir(runDirectory.applications, 0o700)
        mkdir(runDirectory.directory(filePrefix: prefix), 0o700)
    }
}
