import ControllerDriver
import DMAController
import DMADev
import Foundation

/// A controller with quotas for many members, windows and rings: `controller-process PATH`. Or a member of a group with one
/// device: `controller-process PATH GROUP RINGS`.
///
/// Prints `ready` and ends when its standard input does.
@main
struct ControllerProcess {
    static func main() throws {
        let arguments = CommandLine.arguments
        switch arguments.count {
        case 2: try control(arguments[1])
        case 4:
            guard let group = AccessGroupID(arguments[2]), let ringCount = UInt16(arguments[3]) else { exit(64) }
            try join(arguments[1], group, ringCount)
        default: exit(64)
        }
    }

    private static func control(_ path: String) throws {
        var configuration = ControllerConfiguration()
        configuration.maximumConnections = 4096
        configuration.maximumVirtualChannelCount = 1024
        configuration.quota.connections = 4096
        configuration.quota.rings = 4096
        configuration.quota.windows = 1 << 14
        configuration.quota.bytes = 1 << 40
        let controller = try DMAController.start(path: path, configuration: configuration)
        waitForEnd()
        controller.stop()
    }

    private static func join(_ path: String, _ group: AccessGroupID, _ ringCount: UInt16) throws {
        let device = try DeviceRegistry().add(ControllerDevice(path: path), named: "member")
        // The benchmarks create the group with this token.
        let token = [UInt8](repeating: 42, count: AccessToken.byteCount).withUnsafeBytes { AccessToken(bytes: $0) }
        guard let token else { exit(70) }
        try device.joinAccessGroup(group, domain: .random(), token: token)
        if ringCount > 0 {
            try device.configure(DeviceConfiguration(virtualChannelCount: ringCount))
            for vchan in 0..<ringCount {
                try device.setUpVirtualChannel(vchan, configuration: VirtualChannelConfiguration(descriptorCount: 32))
            }
            try device.start()
        }
        waitForEnd()
    }

    private static func waitForEnd() {
        print("ready")
        fflush(nil)
        while readLine() != nil {}
    }
}
