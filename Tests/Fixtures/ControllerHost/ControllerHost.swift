import DMAController
import DMADev
import Glibc
import Logging

/// A controller on its own: `controller-host PATH [GROUP]`, with the number of the socket's group, or `controller-host PATH
/// MEMORY CHANNEL`, with the region of a guest and the socket of its stream. It says `ready` and the mode of its memory,
/// what it has at each line on its standard input, and ends when that does.
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
        let words = CommandLine.arguments
        if words.count > 3 { configuration.osDomains = [OSDomain(name: "guest", memory: words[2])] }
        if words.count == 3 { configuration.socketGroup = UInt32(words[2]) }
        let controller = try DMAController.start(path: words[1], configuration: configuration)
        let bridges = try configuration.osDomains.map { domain in
            try DomainBridge(
                domain: domain, channel: words[3], controller: controller,
                logger: Logger(label: "bridge") { _ in SwiftLogNoOpLogHandler() })
        }
        say("ready \(controller.report().memoryMode)")
        while readLine() != nil {
            let now = controller.statistics
            say("\(now.connections) \(now.rings) \(now.windows) \(now.groups)")
        }
        for bridge in bridges { bridge.stop() }
        controller.stop()
    }

    private static func say(_ text: String) {
        print(text)
        fflush(nil)
    }
}
