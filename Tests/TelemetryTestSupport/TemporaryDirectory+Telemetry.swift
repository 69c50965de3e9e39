import Glibc
public import TelemetryWire
public import TestSupport

extension TemporaryDirectory {
    /// The directory as the root of run directories.
    public var runDirectory: TelemetryRunDirectory { TelemetryRunDirectory(root: path) }

    /// Makes the run directory of a file prefix as a server does, private to this user; of a guest's process, as a host does.
    public func makeRunDirectory(_ prefix: String, ofGuest guest: String? = nil) {
        var run = runDirectory
        if let guest {
            run = runDirectory.domain(guest)
            for path in [file("dmascope"), runDirectory.domains, run.root] { mkdir(path, 0o700) }
        }
        mkdir(run.applications, 0o700)
        mkdir(run.directory(filePrefix: prefix), 0o700)
    }
}
