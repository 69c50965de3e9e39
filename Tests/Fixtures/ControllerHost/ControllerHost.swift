import DMAController
import DMADev
import Glibc

/// A controller on its own: `controller-host PATH [GROUP]`, with the number of the socket's group. It says `ready` and the
/// mode of its memory, what
/// it has at each line on its standard input, and ends when that does.
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
        if CommandLine.arguments.count > 2 { configuration.socketGroup = UInt32(CommandLine.arguments[2]) }
        let controller = try DMAController.start(path: CommandLine.arguments[1], configuration: configuration)
        say("ready \(controller.report().memoryMode)")
        while readLine() != nil {
            let now = controller.statistics
            say("\(now.connections) \(now.rings) \(now.windows) \(now.groups)")
        }
        controller.stop()
    }

    private static func say(_ text: String) {
        print(text)
        fflush(nil)
    }
}
