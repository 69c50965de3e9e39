import LinuxSystem
import TelemetryWire

/// The state that the server's own commands read. Only the server's thread uses it.
///
/// What each request changes is not checked for exclusive access at run time: the checks would be a quarter of the
/// instructions of a cached reply. No function that is called during a change of it accesses it.
final class ServerState {
    let table: CommandTable
    let access: TelemetryAccess
    let configuration: TelemetryServer.Configuration
    let pid: Int32
    @exclusivity(unchecked) var clients = ClientTable()
    @exclusivity(unchecked) var statistics = ServerStatistics()
    var errors = ErrorLog()

    init(table: CommandTable, access: TelemetryAccess, configuration: TelemetryServer.Configuration, pid: Int32) {
        self.table = table
        self.access = access
        self.configuration = configuration
        self.pid = pid
    }

    /// The greeting, which is also the reply to `/info`.
    var greeting: JSONValue {
        var object = JSONValue.object()
        object.set("version", configuration.version)
        object.set("pid", pid)
        object.set("max_output_len", TelemetryServer.maximumOutputLength)
        return object
    }
}
