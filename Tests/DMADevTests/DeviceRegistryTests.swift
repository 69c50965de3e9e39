import Conformance
import DMADev
import Dispatch
import LinuxSystem
import Synchronization
import SystemPackage
import TestSupport
import Testing

@Suite struct DeviceRegistryTests {
    let registry = DeviceRegistry(maximumDeviceCount: 3)

    private func add(_ name: String) throws -> DMADevice { try registry.add(RecordingDriver(), named: name) }

    private func expect(
        _ errno: Errno, _ words: String, sourceLocation: SourceLocation = #_sourceLocation, _ call: () throws -> Void
    ) {
        let error = #expect(throws: DMAError.self, sourceLocation: sourceLocation, performing: call)
        #expect(error?.errno == errno, sourceLocation: sourceLocation)
        #expect(error?.message.contains(words) == true, "\(error?.message ?? "")", sourceLocation: sourceLocation)
    }

    @Test("Devices are found by number and by name")
    func lookUp() throws {
        let (first, second) = (try add("first"), try add("second"))
        #expect((first.id, second.id) == (0, 1))
        #expect(try registry.device(1) === second)
        #expect(try registry.device(named: "first") === first)
        #expect(registry.devices.map(\.name) == ["first", "second"])
        #expect(registry.count == 2)
        for id in [-1, 2, .min, .max] as [Int16] {
            #expect(!registry.isValid(id))
            expect(.invalidArgument, "no device \(id)") { _ = try registry.device(id) }
        }
        expect(.invalidArgument, "'third'") { _ = try registry.device(named: "third") }
        expect(.invalidArgument, "no device ''") { _ = try registry.device(named: "") }
    }

    @Test("A name is taken once, has 1 to 63 bytes, and is free again after its device was closed")
    func names() throws {
        let device = try add("name")
        expect(.fileExists, "'name' exists already") { _ = try add("name") }
        expect(.invalidArgument, "1 to 63 bytes, this one has 0") { _ = try add("") }
        expect(.invalidArgument, "this one has 64") { _ = try add(String(repeating: "ü", count: 32)) }
        #expect(try add(String(repeating: "x", count: 63)).id == 1)
        try device.close()
        #expect(try add("name") !== device)
    }

    @Test("A device gets the number that it is added with, if it is free")
    func chosenNumbers() throws {
        let device = try registry.add(RecordingDriver(), named: "a", id: 2)
        #expect(device.id == 2)
        #expect(registry.devices.map(\.id) == [2])
        #expect(try add("b").id == 0)
        expect(.fileExists, "a device 2 exists already") { _ = try registry.add(RecordingDriver(), named: "c", id: 2) }
        expect(.invalidArgument, "-1") { _ = try registry.add(RecordingDriver(), named: "c", id: -1) }
        expect(.noSpace, "3 devices") { _ = try registry.add(RecordingDriver(), named: "c", id: 3) }
        #expect(try add("c").id == 1)
    }

    @Test("A full registry says so, and numbers of closed devices are given again, lowest first")
    func numbers() throws {
        let devices = try ["a", "b", "c"].map(add)
        expect(.noSpace, "3 devices") { _ = try add("d") }
        try devices[1].close()
        #expect(registry.devices.map(\.id) == [0, 2])
        #expect(registry.next(from: 1) == 2)
        try devices[0].close()
        #expect(try add("d").id == 0)
        #expect(try add("e").id == 1)
        // Who holds a device that was closed does not reach the one that has its number now.
        expect(.invalidArgument, "'b', was closed") { _ = try devices[1].info }
        #expect(try registry.device(1).info.name == "e")
        expect(.invalidArgument, "was closed") { try devices[1].close() }
        #expect(registry.count == 3)
    }

    @Test("Devices can be walked by number")
    func walk() throws {
        #expect(registry.next(from: 0) == nil)
        let devices = try ["a", "b", "c"].map(add)
        try devices[1].close()
        #expect(registry.next(from: 0) == 0)
        #expect(registry.next(from: 1) == 2)
        #expect(registry.next(from: 3) == nil)
        #expect(registry.next(from: .max) == nil)
        #expect(registry.next(from: -1) == nil)
    }

    @Test("The number of devices can be set until the first one is there")
    func maximum() throws {
        for count in [0, -1, 32_768, .max, .min] {
            expect(.invalidArgument, "1 to 32767") { try registry.setMaximumDeviceCount(count) }
        }
        try registry.setMaximumDeviceCount(1)
        let device = try add("only")
        expect(.noSpace, "1 devices") { _ = try add("another") }
        expect(.invalidArgument, "cannot change") { try registry.setMaximumDeviceCount(2) }
        try device.close()
        expect(.invalidArgument, "cannot change") { try registry.setMaximumDeviceCount(2) }
    }

    @Test("The highest number is 32,766")
    func manyDevices() throws {
        let registry = DeviceRegistry()
        try registry.setMaximumDeviceCount(32_767)
        let driver = RecordingDriver()
        for _ in 0..<300 { try registry.add(driver, named: "device \(registry.count)") }
        #expect(registry.count == 300)
        #expect(try registry.device(named: "device 299").id == 299)
    }

    @Test("Threads that add under one name get one device, and each its own number otherwise")
    func racing() throws {
        let registry = DeviceRegistry()
        let added = Locked<[Int16]>([])
        DispatchQueue.concurrentPerform(iterations: 8) { thread in
            if (try? registry.add(RecordingDriver(), named: "same")) != nil { added.withLock { $0.append(-1) } }
            let own = try? registry.add(RecordingDriver(), named: "own \(thread)")
            if let own { added.withLock { $0.append(own.id) } }
        }
        let ids = added.withLock { $0 }
        #expect(ids.filter { $0 == -1 }.count == 1)
        #expect(Set(ids).count == 9)
        #expect(registry.count == 9)
    }

    @Test("A device may go and come back while others look it up and read it")
    func comingAndGoing() throws {
        let registry = DeviceRegistry()
        let lookUps = ThreadSanitizer.isActive ? 50_000 : 200_000
        let isDone = Atomic(false)
        let (rounds, found) = (Counter(), Counter())
        DispatchQueue.concurrentPerform(iterations: 3) { thread in
            guard thread > 0 else {
                while !isDone.load(ordering: .acquiring) {
                    #expect(throws: Never.self) { () throws in
                        let driver = RecordingDriver()
                        let device = try registry.add(driver, named: "restless")
                        try device.begin(driver)
                        try device.stop()
                        try device.close()
                    }
                    rounds.add()
                }
                return
            }
            for _ in 0..<lookUps / 2 {
                if let device = try? registry.device(0) {
                    Self.read(device)
                    found.add()
                }
            }
            isDone.store(true, ordering: .releasing)
        }
        #expect(registry.count == 0)
        #expect(rounds.value > 0)
        #expect(found.value > 0)
    }

    private static func read(_ device: DMADevice) {
        if let info = try? device.info { #expect(info.name == "restless") }
        if let statistics = try? device.statistics { #expect(statistics == Statistics()) }
        if let status = try? device.status(of: 0) { #expect(status == .idle) }
        if let text = try? device.dump() { #expect(text.utf8.count > 100) }
    }
}

private final class Counter: Sendable {
    private let count = Atomic(0)
    var value: Int { count.load(ordering: .relaxed) }
    func add() { count.add(1, ordering: .relaxed) }
}
