import CPeers
import ControllerDriver
import DMADev
import Glibc

/// Two members of an access group whose controller is a separate process: it copies from a window of one member into
/// memory of the other.
final class DomainLane {
    let memory: CopyMemory
    private let owner: DMADevice
    private let mover: DMADevice
    private let channel: VirtualChannel
    private let group: AccessGroupID
    private let window: UInt64
    private let destination: UInt64
    private let buffers: [DeviceBuffer]

    /// - Parameters:
    ///   - owner: the path of the control socket for the member that opens the window.
    ///   - mover: the path for the member that copies; of a guest's broker or, as `owner`, of the controller.
    init(owner ownerPath: String, mover moverPath: String, size: Int) throws {
        let (first, second) = (try ControllerDevice(path: ownerPath), try ControllerDevice(path: moverPath))
        let registry = DeviceRegistry()
        owner = try registry.add(first, named: "owner")
        mover = try registry.add(second, named: "mover")
        let byteCount = CopyMemory.byteCount(size: size)
        let (source, target) = (
            try first.makeBuffer(byteCount: byteCount), try second.makeBuffer(byteCount: byteCount)
        )
        buffers = [source, target]
        memory = CopyMemory(size: size, source: source.bytes, destination: target.bytes)

        let token = AccessToken.random()
        let (ownerDomain, moverDomain) = (DomainID.random(), DomainID.random())
        group = try owner.createAccessGroup(domain: ownerDomain, token: token)
        _ = try mover.joinAccessGroup(group, domain: moverDomain, token: token)
        let opened = try owner.registerWindow(
            WindowMemory(
                address: UInt64(UInt(bitPattern: source.bytes.baseAddress)), length: UInt64(source.bytes.count)),
            rights: .read, in: group)
        window = opened.iova
        destination = try mover.mapMemory(target.bytes)
        try mover.configure(DeviceConfiguration(virtualChannelCount: 1))
        try mover.setUpVirtualChannel(
            0,
            configuration: VirtualChannelConfiguration(
                descriptorCount: Lane.ring, domain: InterDomain(type: .process, sourceHandler: opened.handler)))
        try mover.start()
        channel = try mover.virtualChannel(0)
    }

    func copy(_ work: cpeers_work, seconds: Double) throws -> Double {
        let (channel, size) = (channel, UInt32(truncatingIfNeeded: work.size))
        return try runBursts(
            channel, work, from: window, to: destination, seconds: seconds, atLeast: Int(work.areas)
        ) { (source, destination) throws(OperationError) in
            try channel.copy(from: source, to: destination, length: size)
        }
    }

    func end() throws {
        try mover.stop()
        try mover.close()
        try owner.close()
    }
}
