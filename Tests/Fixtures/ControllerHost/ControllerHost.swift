import DMAController
import Glibc

/// A controller on its own: `controller-host PATH`. It says `ready`, and ends when its standard input does.
@main
struct ControllerHost {
    static func main() throws {
        var configuration = ControllerConfiguration()
        // What tests ask for beyond the usual: rings of one descriptor, the longest lists, many devices of one user.
        configuration.minimumDescriptorCount = 1
        configuration.maximumEntryCount = 64
        configuration.quota.connections = 512
        configuration.quota.rings = 4096
        configuration.quota.windows = 1 << 14
        configuration.quota.bytes = 1 << 36
        let controller = try DMAController.start(path: CommandLine.arguments[1], configuration: configuration)
        print("ready")
        fflush(nil)
        while readLine() != nil {}
        controller.stop()
    }
}
