import ControllerDriver
import DMADev
import DMATelemetry
import Glibc

import TelemetryServer

/// An application in an access group that answers telemetry:
/// `group-member PREFIX CONTROLLER DEVICE-NAME [GROUP]`.
///
/// Makes a group, or joins the one that is named, and opens a window. Attaches the device to external memory. Says `group NUMBER` once all is done, and waits to
/// be killed. Before that it tries a wrong token, so that it has a failed call to tell of.
@main
struct GroupMember {
    static func main() throws {
        let arguments = CommandLine.arguments
        let registry = DeviceRegistry()
        let driver = try ControllerDevice(path: arguments[2])
        let device = try registry.add(driver, named: arguments[3])
        try device.configure(DeviceConfiguration(virtualChannelCount: 1))
        try device.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: 256))
        try device.start()
        let server = try TelemetryServer.start(
            filePrefix: arguments[1], commands: DeviceCommands.table(for: registry))

        let group: AccessGroupID
        if arguments.count > 4, let named = AccessGroupID(arguments[4]) {
            group = named
            _ = try? device.joinAccessGroup(group, domain: .random(), token: .random())
            try device.joinAccessGroup(group, domain: .random(), token: token())
        } else {
            group = try device.createAccessGroup(domain: .random(), token: token(), limit: 8)
        }
        let buffer = try driver.memory.allocate(byteCount: 2 << 20)
        let address = UInt64(UInt(bitPattern: buffer.bytes.baseAddress))
        let memory = WindowMemory(address: address, length: UInt64(buffer.bytes.count))
        let window = try device.registerWindow(memory, rights: [.read, .write], in: group)
        let region = try registry.memory.registerMemory(at: address, byteCount: UInt64(buffer.bytes.count))
        let attachment = try device.attach(region)
        _ = try attachment.map(.toDevice)
        print("group \(group)")
        fflush(nil)
        withExtendedLifetime((server, window, attachment)) { while true { pause() } }
    }

    /// What all members know.
    private static func token() -> AccessToken {
        let bytes = [UInt8](repeating: 7, count: AccessToken.byteCount)
        guard let token = bytes.withUnsafeBytes({ AccessToken(bytes: $0) }) else { exit(2) }
        return token
    }
}
