import ControllerDriver
import DMADev
import Glibc
import LinuxSystem

/// All that a user's quotas allow: the members of one group, with rings that always have work, while windows are opened
/// and closed without a pause.
struct Attack {
    private static let memberCount = 63
    private static let vchanCount: UInt16 = 4
    private static let length: UInt32 = 64 << 10

    private let group: AccessGroupID
    private var devices: [DMADevice] = []
    private var iovas: [UInt64] = []
    private let memory = SharedMemory()
    private let buffer: SharedBuffer

    init(_ path: String) throws {
        let (registry, token) = (DeviceRegistry(), AccessToken.random())
        buffer = try memory.allocate(byteCount: 2 * Int(Self.length))
        var group: AccessGroupID?
        for number in 0..<Self.memberCount {
            var options = ControllerDevice.Options()
            options.memory = memory
            let device = try registry.add(ControllerDevice(path: path, options: options), named: "attack\(number)")
            try device.configure(DeviceConfiguration(virtualChannelCount: Self.vchanCount))
            for vchan in 0..<Self.vchanCount {
                try device.setUpVirtualChannel(vchan, configuration: VirtualChannelConfiguration(descriptorCount: 64))
            }
            try device.start()
            iovas.append(try device.mapMemory(buffer.bytes))
            if let group {
                _ = try device.joinAccessGroup(group, domain: .random(), token: token)
            } else {
                group = try device.createAccessGroup(domain: .random(), token: token, limit: 64)
            }
            devices.append(device)
        }
        guard let group else { exit(2) }
        self.group = group
    }

    /// Does not return.
    func run() throws -> Never {
        let (devices, group) = (devices, group)
        let memory = WindowMemory(address: UInt64(UInt(bitPattern: buffer.bytes.baseAddress)), length: 4096)
        let windows = try SystemThread.start(name: "windows") {
            var number = 0
            while true {
                let device = devices[number % devices.count]
                if let window = try? device.registerWindow(memory, rights: [.read], in: group) {
                    try? device.unregisterWindow(iova: window.iova)
                }
                number += 1
            }
        }
        windows.detach()
        var channels: [(channel: VirtualChannel, iova: UInt64)] = []
        for (device, iova) in zip(devices, iovas) {
            for vchan in 0..<Self.vchanCount { channels.append((try device.virtualChannel(vchan), iova)) }
        }
        var rounds = 0
        while true {
            for (channel, iova) in channels {
                while try channel.completed(upTo: .max).count > 0 {}
                while try channel.burstCapacity > 0 {
                    try channel.copy(from: iova, to: iova + UInt64(Self.length), length: Self.length)
                }
                try channel.submit()
            }
            rounds += 1
            if rounds == 3 { say("attacking") }
            sched_yield()
        }
    }
}
