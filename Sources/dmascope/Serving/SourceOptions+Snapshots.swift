import CommandSupport
import LivePage
import MetricsExporter

extension SourceOptions {
    /// The collector for the live page.
    ///
    /// - Parameter ownSocket: the telemetry socket of this process.
    func snapshots(ownSocket: String) -> SnapshotCollector {
        var configuration = SnapshotCollector.Configuration()
        configuration.sockets = finder.socket + Self.elsewhere(ownSocket)
        configuration.trust = finder.trustOptions.trust
        configuration.timeout = finder.timeout
        configuration.ownSockets = [ownSocket]
        configuration.sysfs = sysfs
        return SnapshotCollector(configuration)
    }
}
