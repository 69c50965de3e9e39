import ControllerDriver
import DMADev
import Glibc
import SystemPackage

/// An application with a device of a controller: `controller-application PATH MODE`.
///
/// `work` copies until it is killed, and says `working` once it does. `fork` looks what a child may do, and says so;
/// `fork-namespace` the same with a child in a PID namespace of its own, whose process 1 it is.
/// `leave-child` forks, says the child's process ID, and waits to be killed, as the child does.
/// `member GROUP TOKEN` joins a group, opens a window, says its handler and the window's address, and waits to be killed.
@main
struct ControllerApplication {
    static func main() throws {
        let driver = try ControllerDevice(path: CommandLine.arguments[1])
        let device = try DeviceRegistry().add(driver, named: "dma")
        try device.configure(DeviceConfiguration(virtualChannelCount: 2))
        for vchan in 0..<2 as Range<UInt16> {
            try device.setUpVirtualChannel(vchan, configuration: VirtualChannelConfiguration(descriptorCount: 256))
        }
        try device.start()
        let buffer = try driver.memory.allocate(byteCount: 2 << 20)
        let iova = try device.mapMemory(buffer.bytes)
        switch CommandLine.arguments[2] {
        case "work": try work(device, iova)
        case "fork": try lookAtChild(device, iova)
        case "fork-namespace":
            guard let symbol = dlsym(nil, "unshare") else { exit(3) }
            // CLONE_NEWPID: for the next child.
            let unshare = unsafeBitCast(symbol, to: (@convention(c) (Int32) -> Int32).self)
            guard unshare(0x2000_0000) == 0 else { exit(6) }
            try lookAtChild(device, iova)
        case "leave-child": leaveChild()
        case "member": try beMember(device, buffer)
        default: exit(2)
        }
    }

    private static func work(_ device: DMADevice, _ iova: UInt64) throws {
        let channels = [try device.virtualChannel(0), try device.virtualChannel(1)]
        var rounds = 0
        while true {
            for channel in channels {
                while try channel.burstCapacity > 0 {
                    try channel.copy(from: iova, to: iova + (1 << 20), length: 64 << 10)
                }
                try channel.submit()
                while try channel.completed(upTo: .max).count > 0 {}
            }
            if rounds == 3 { say("working") }
            rounds += 1
        }
    }

    private static func beMember(_ device: DMADevice, _ buffer: SharedBuffer) throws {
        let digits = Array(CommandLine.arguments[4].utf8)
        let token = digits.withUnsafeBytes { AccessToken(bytes: $0) }
        guard let group = AccessGroupID(CommandLine.arguments[3]), let token else { exit(2) }
        let handler = try device.joinAccessGroup(group, domain: .random(), token: token)
        buffer.bytes.storeBytes(of: UInt64(handler) &* 0x0101, as: UInt64.self)
        let address = UInt64(UInt(bitPattern: buffer.bytes.baseAddress))
        let memory = WindowMemory(address: address, length: UInt64(buffer.bytes.count))
        let window = try device.registerWindow(memory, rights: [.read, .write], in: group)
        say("\(handler) \(window.iova)")
        while true { pause() }
    }

    private static func lookAtChild(_ device: DMADevice, _ iova: UInt64) throws {
        let channel = try device.virtualChannel(0)
        let child = fork()
        if child == 0 {
            let isHalted = (try? device.status(of: 0)) == .haltedError
            var refused = 0
            do { try channel.copy(from: iova, to: iova + 64, length: 64) } catch {
                refused += error.errno == .ioError ? 1 : 0
            }
            do { try channel.submit() } catch { refused += error.errno == .ioError ? 1 : 0 }
            do { _ = try channel.completed(upTo: 1) } catch { refused += error.errno == .ioError ? 1 : 0 }
            do { _ = try device.mapMemory(UnsafeMutableRawBufferPointer(start: nil, count: 0)) } catch { refused += 1 }
            try? device.stop()
            try? device.close()
            _exit(isHalted && refused == 4 ? 0 : 1)
        }
        var status: Int32 = 0
        waitpid(child, &status, 0)
        // The parent has lost nothing.
        try channel.copy(from: iova, to: iova + (1 << 20), length: 64, flags: .submit)
        while try channel.completed(upTo: 1).count == 0 { sched_yield() }
        say(status == 0 ? "child halted, parent works" : "child \(status)")
    }

    /// A child that has the socket and the rings of its parent, and outlives it.
    private static func leaveChild() {
        let child = fork()
        if child == 0 { for stream in 0...2 as ClosedRange<Int32> { close(stream) } } else { say("\(child)") }
        while true { pause() }
    }

    /// Swift does not offer the call, because little is allowed in a child: these only make calls of ours.
    private static func fork() -> pid_t {
        guard let symbol = dlsym(nil, "fork") else { exit(3) }
        return unsafeBitCast(symbol, to: (@convention(c) () -> pid_t).self)()
    }

    private static func say(_ text: String) {
        print(text)
        fflush(nil)
    }
}
