import ControllerDriver
import DMADev
import Glibc
import SystemPackage
import TestSupport
import Testing

@Suite struct ControllerDeviceTests {
    /// A started device with two pages.
    private struct Bench {
        let driver: ControllerDevice
        let device: DMADevice
        let buffer: SharedBuffer
        let iova: UInt64

        init(_ path: String) throws {
            driver = try ControllerDevice(path: path)
            device = try DeviceRegistry().add(driver, named: "dma")
            try device.configure(DeviceConfiguration(virtualChannelCount: 1))
            try device.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: 64))
            try device.start()
            buffer = try driver.memory.allocate(byteCount: 8192)
            iova = try device.mapMemory(buffer.bytes)
        }

        var channel: VirtualChannel {
            get throws { try device.virtualChannel(0) }
        }

        /// Copies eight bytes within the buffer and looks at them.
        func copyWorks(_ value: UInt64, at iova: UInt64) throws -> Bool {
            let channel = try channel
            buffer.bytes.storeBytes(of: value, as: UInt64.self)
            try channel.copy(from: iova, to: iova + 4096, length: 8, flags: .submit)
            while try channel.completed(upTo: 1).count == 0 { sched_yield() }
            return buffer.bytes.load(fromByteOffset: 4096, as: UInt64.self) == value
        }
    }

    private func errno(_ body: () throws -> Void) -> Errno? {
        do {
            try body()
            return nil
        } catch let error as DMAError {
            return error.errno
        } catch {
            return (error as? OperationError)?.errno
        }
    }

    @Test func whatIsNoSharedMemoryIsNotMapped() throws {
        let bench = try Bench(ControllerHost.shared.get().path)
        let plain = UnsafeMutableRawBufferPointer.allocate(byteCount: 8192, alignment: 4096)
        defer { plain.deallocate() }
        #expect(errno { _ = try bench.device.mapMemory(plain) } == .invalidArgument)
        func part(_ range: Range<Int>) -> UnsafeMutableRawBufferPointer {
            UnsafeMutableRawBufferPointer(rebasing: bench.buffer.bytes[range])
        }
        #expect(errno { _ = try bench.device.mapMemory(part(1..<4097)) } == .invalidArgument)
        #expect(errno { _ = try bench.device.mapMemory(part(0..<4095)) } == .invalidArgument)
        #expect(errno { _ = try bench.device.mapMemory(part(0..<4096), iova: 1 << 57) } == .invalidArgument)
        let beyond = UnsafeMutableRawBufferPointer(start: bench.buffer.bytes.baseAddress, count: 3 * 4096)
        #expect(errno { _ = try bench.device.mapMemory(beyond) } == .invalidArgument)
        let second = try bench.device.mapMemory(part(4096..<8192))
        #expect(second >= 1 << 57 && second != bench.iova)
        #expect(try bench.copyWorks(7, at: bench.iova))
        try bench.device.unmapMemory(iova: second)
        #expect(errno { try bench.device.unmapMemory(iova: second) } == .invalidArgument)
        #expect(errno { _ = try bench.driver.memory.allocate(byteCount: 0) } == .invalidArgument)
    }

    @Test func anAddressOfTheProcessIsNoAddressOfTheDevice() throws {
        let bench = try Bench(ControllerHost.shared.get().path)
        let own = UInt64(UInt(bitPattern: bench.buffer.bytes.baseAddress))
        let bad: [UInt64] = [own, 0, bench.iova - 1, bench.iova + 8192 - 7, 1 << 56, .max - 8]
        for address in bad {
            try bench.channel.copy(from: address, to: bench.iova, length: 8)
            try bench.channel.copy(from: bench.iova, to: address, length: 8, flags: .submit)
            var statuses: [CompletionStatus] = []
            while statuses.count < 2 {
                statuses += try [CompletionStatus](unsafeUninitializedCapacity: 2) { buffer, count in
                    count = try bench.channel.completedStatus(
                        into: UnsafeMutableBufferPointer(rebasing: buffer[..<(2 - statuses.count)])
                    ).count
                }
            }
            #expect(statuses == [.invalidSourceAddress, .invalidDestinationAddress], "\(address)")
        }
    }

    @Test func memoryOfOneDeviceIsOutOfReachForAnother() throws {
        let path = try ControllerHost.shared.get().path
        let (mine, other) = (try Bench(path), try Bench(path))
        #expect(mine.iova != other.iova)
        try mine.channel.copy(from: other.iova, to: mine.iova, length: 8, flags: .submit)
        var status = [CompletionStatus(rawValue: 0xDEAD)]
        while try status.withUnsafeMutableBufferPointer({ try mine.channel.completedStatus(into: $0).count }) == 0 {
            sched_yield()
        }
        #expect(status == [.invalidSourceAddress])
    }

    @Test func aControllerThatIsKilledHaltsTheDeviceAndTheNextOneServesIt() throws {
        let host = try ControllerHost()
        let bench = try Bench(host.path)
        #expect(try bench.copyWorks(1, at: bench.iova))
        let before = try bench.device.statistics
        host.program.kill(SIGKILL)
        try host.program.wait()
        while try bench.device.status(of: 0) != .haltedError { sched_yield() }
        #expect(bench.device.view.progress(of: 0).state() == .halted)
        let channel = try bench.channel
        #expect(errno { try channel.copy(from: bench.iova, to: bench.iova, length: 8) } == .ioError)
        #expect(errno { try channel.submit() } == .ioError)
        #expect(errno { _ = try channel.completed(upTo: 1) } == .ioError)
        #expect(errno { _ = try channel.burstCapacity } == .ioError)
        #expect(errno { _ = try bench.device.mapMemory(bench.buffer.bytes) } == .ioError)
        try bench.device.unmapMemory(iova: bench.iova)
        try bench.device.stop()
        #expect(try bench.device.status(of: 0) == .haltedError)
        #expect(errno { try bench.device.start() } == .connectionRefused)

        let next = try ControllerHost(in: host.directory)
        try bench.device.start()
        #expect(try bench.device.status(of: 0) == .idle)
        let iova = try bench.device.mapMemory(bench.buffer.bytes)
        #expect(try bench.copyWorks(2, at: iova))
        let after = try bench.device.statistics
        #expect(after.completed == before.completed + 1 && after.submitted == before.submitted + 1)
        withExtendedLifetime(next) {}
    }

    @Test func aForkedChildFindsTheDeviceHaltedAndTheParentDoesNot() throws {
        let result = try runProgram(
            builtProduct("controller-application"), [ControllerHost.shared.get().path, "fork"])
        #expect(result.exit == .exited(0) && result.output == "child halted, parent works\n", "\(result)")
    }

    @Test(.enabled(if: geteuid() == 0, "only the superuser makes a PID namespace"))
    func aForkedChildWithTheProcessIDOfItsParentIsAChild() throws {
        let command = try [
            "--pid", "--fork", "--kill-child", builtProduct("controller-application"), ControllerHost.shared.get().path,
            "fork-namespace",
        ]
        let result = try runProgram(requiredTool("unshare", package: "util-linux"), command)
        #expect(result.exit == .exited(0) && result.output == "child halted, parent works\n", "\(result)")
    }

    @Test func aChildThatOutlivesItsParentHasNothingOfTheController() throws {
        let host = try ControllerHost()
        let parent = try RunningProgram(builtProduct("controller-application"), [host.path, "leave-child"])
        let child = try #require(pid_t(parent.nextLine()))
        defer { kill(child, SIGKILL) }
        #expect(try host.counts == "1 2 1 0")
        parent.kill(SIGKILL)
        try parent.wait()
        try eventually("the connection has ended") { try host.counts == "0 0 0 0" }
        #expect(kill(child, 0) == 0)
    }

    @Test func whereNoControllerIsTheErrorSaysWhatToDo() throws {
        let directory = try TemporaryDirectory()
        let error = #expect(throws: DMAError.self) { _ = try ControllerDevice(path: directory.file("none")) }
        #expect(error?.errno == .noSuchFileOrDirectory && error?.message.contains("dmascope serve") == true)
        #expect(
            errno { _ = try ControllerDevice(path: directory.file(String(repeating: "x", count: 200))) }
                == .fileNameTooLong)
    }

    @Test func applicationsAreKilledAndOthersAreServedOn() throws {
        let host = try ControllerHost()
        let bench = try Bench(host.path)
        #expect(try bench.copyWorks(1, at: bench.iova))
        let before = try HostDescriptors(host.program.processID)
        var random = SeededGenerator(for: "killed applications")
        for round in 0..<50 as Range<UInt64> {
            let program = try RunningProgram(builtProduct("controller-application"), [host.path, "work"])
            // At any moment of its life, from before it connects to the middle of its work.
            if random.next() % 4 == 0 { try program.waitForOutput(containing: "working") }
            for _ in 0..<random.next() % 3000 { sched_yield() }
            program.kill(SIGKILL)
            try program.wait()
            #expect(try bench.copyWorks(round, at: bench.iova))
        }
        // All that is left is this process's device.
        try eventually("its descriptors are closed") { try HostDescriptors(host.program.processID) == before }
        // Memory is given back on a thread of its own.
        try eventually("its mappings are gone") {
            let maps = try String(
                decoding: HostDescriptors.contents(of: "/proc/\(host.program.processID)/maps"), as: UTF8.self)
            return ["dmascope-buffer", "dmascope-ring"].allSatisfy { name in
                maps.split(separator: "\n").count { $0.contains(name) } == 1
            }
        }
        host.program.closeInput()
        #expect(try host.program.wait().exit == .exited(0))
        #expect(try host.directory.contents.isEmpty)
    }

    @Test func controllersAreKilledAndTheDeviceComesBackEachTime() throws {
        let directory = try TemporaryDirectory()
        var host = try ControllerHost(in: directory)
        let bench = try Bench(host.path)
        var random = SeededGenerator(for: "killed controllers")
        for round in 0..<20 as Range<UInt64> {
            let channel = try bench.channel
            let iova = try round == 0 ? bench.iova : bench.device.mapMemory(bench.buffer.bytes)
            for _ in 0..<random.next() % 60 { try channel.copy(from: iova, to: iova + 4096, length: 4096) }
            try channel.submit()
            host.program.kill(SIGKILL)
            try host.program.wait()
            // Whatever is asked now ends, and ends in an error at last.
            while errno({ _ = try channel.completed(upTo: .max) }) == nil { sched_yield() }
            try bench.device.stop()
            host = try ControllerHost(in: directory)
            try bench.device.start()
        }
        let iova = try bench.device.mapMemory(bench.buffer.bytes)
        #expect(try bench.copyWorks(99, at: iova))
    }

}

/// What a controller has open for its devices: bells and processes. Its other descriptors, a tracer's among them, come and
/// go as they like.
private struct HostDescriptors: Equatable {
    let bells: Int
    let processes: Int

    init(_ processID: pid_t) throws {
        let path = "/proc/\(processID)/fd"
        guard let directory = opendir(path) else { throw TestSupportError("no \(path)") }
        defer { closedir(directory) }
        var (bells, processes) = (0, 0)
        var target = [CChar](repeating: 0, count: 256)
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            let count = readlink("\(path)/\(name)", &target, target.count - 1)
            let link = String(decoding: target.prefix(max(count, 0)).map(UInt8.init(bitPattern:)), as: UTF8.self)
            if link.contains("eventfd") { bells += 1 }
            if link.contains("pidfd") { processes += 1 }
        }
        self.bells = bells
        self.processes = processes
    }

    /// A file of `/proc`, whose size the system does not tell.
    static func contents(of path: String) throws -> [UInt8] {
        guard let file = fopen(path, "r") else { throw TestSupportError("no \(path)") }
        defer { fclose(file) }
        var all: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 65536)
        while case let got = fread(&part, 1, part.count, file), got > 0 { all += part.prefix(got) }
        return all
    }
}
