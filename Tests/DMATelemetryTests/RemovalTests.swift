import DMADev
import DMAEngine
import DMATelemetry
import LinuxSystem
import SoftwareDriver
import Synchronization
import TelemetryServer
import TelemetryTestSupport
import TelemetryWire
import TestSupport
import Testing

/// Devices that go while clients look at them.
@Suite struct RemovalTests {
    @Test("100,000 commands on a device that comes and goes give its figures or a reason, never a crash")
    func manyLooks() throws {
        let looks = 30_000
        let registry = DeviceRegistry()
        // The commands that look up the device and read it. Those about the machine read /proc, and wait for it.
        let commands = DeviceCommands.table(for: registry).filter { $0.parameters.first?.name == "dev_id" }
        #expect(commands.count >= 8)
        let requests = commands.map { TelemetryRequest("\($0.path),0") }
        let comingAndGoing = try ComingAndGoing(registry)
        var answers = 0
        var refusals = 0
        while answers + refusals < looks || answers == 0 || refusals == 0 {
            for (command, request) in zip(commands, requests) {
                do throws(TelemetryCommandError) {
                    _ = try command.handler(request)
                    answers += 1
                } catch {
                    refusals += 1
                }
            }
        }
        #expect(comingAndGoing.end() > 0)
    }

    @Test("A client on the socket goes on being answered, null for what is gone")
    func onTheSocket() throws {
        let directory = try TemporaryDirectory()
        let registry = DeviceRegistry()
        let server = try TelemetryServer.start(
            filePrefix: "gone", commands: DeviceCommands.table(for: registry), in: directory.runDirectory)
        defer { server.stop() }
        let comingAndGoing = try ComingAndGoing(registry)
        let client = try RawClient.greeted(server.path)
        var nulls = 0
        var figures = 0
        var asked = 0
        while asked < 10_000 || nulls == 0 || figures == 0 {
            let reply = try #require(client.ask("/dmadev/stats,0,0"))
            if reply == #"{"/dmadev/stats":null}"# {
                nulls += 1
            } else {
                figures += 1
                #expect(reply.hasPrefix(#"{"/dmadev/stats":{"submitted":"#))
            }
            asked += 1
        }
        #expect(comingAndGoing.end() > 0)
    }
}

/// A thread that adds a device, works with it, and removes it, again and again.
private final class ComingAndGoing: Sendable {
    private let isEnding = Atomic(false)
    private let rounds = Atomic(0)
    private let thread = Mutex<SystemThread?>(nil)

    init(_ registry: DeviceRegistry) throws {
        let engine = try Engine()
        let thread = try SystemThread.start(name: "coming-going") { [self] in
            while !isEnding.load(ordering: .acquiring) {
                do {
                    try Self.round(registry, engine)
                    rounds.wrappingAdd(1, ordering: .relaxed)
                } catch {
                    Issue.record(error)
                    return
                }
            }
        }
        self.thread.withLock { $0 = thread }
    }

    /// Ends the thread; how often the device came and went.
    func end() -> Int {
        isEnding.store(true, ordering: .releasing)
        thread.withLock { $0 }?.join()
        return rounds.load(ordering: .relaxed)
    }

    private static func round(_ registry: DeviceRegistry, _ engine: Engine) throws {
        let device = try registry.add(SoftwareDevice(engine: engine), named: "dma0")
        try device.configure(DeviceConfiguration(virtualChannelCount: 1))
        try device.setUpVirtualChannel(0, configuration: VirtualChannelConfiguration(descriptorCount: 32))
        try device.start()
        var word: UInt64 = 0
        try withUnsafeMutableBytes(of: &word) { word in
            let channel = try device.virtualChannel(0)
            try channel.fill(
                UInt64(UInt(bitPattern: word.baseAddress)), pattern: 1, length: 8, flags: .submit)
            while try channel.completed(upTo: 1).count == 0 {}
        }
        try device.stop()
        try device.close()
    }
}
