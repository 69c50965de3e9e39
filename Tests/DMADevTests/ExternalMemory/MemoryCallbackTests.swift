import DMADev
import Glibc
import LinuxSystem
import Synchronization
import SystemPackage
import Testing

@Suite struct MemoryCallbackTests {
    private let table = DeviceRegistry().memory

    @Test("Callbacks are told of each region, and may use its getters then")
    func getters() throws {
        let seen = Mutex<[String]>([])
        let callback = MemoryCallback { [table] event, region in
            let offset = try? region.dmaBufferOffset
            let descriptor = try? region.dmaBufferDescriptor
            let duplicate = (try? region.duplicateDMABufferDescriptor()).flatMap { $0 } ?? -1
            let found = try? table.lookUp(region.address)
            seen.withLock {
                $0.append(
                    "\(event) \(offset ?? 0) \(isOpen(descriptor ?? -1)) \(isOpen(duplicate)) \(found === region)")
            }
            close(duplicate)
        }
        try table.registerCallback(callback)
        refused(.fileExists) { try table.registerCallback(callback) }
        let memory = try TestMemory(pages: 4, first: 1)
        try table.unregister(memory.register(in: table))
        #expect(seen.withLock { $0 } == ["registered 4096 true true true", "unregistering 4096 true true true"])
        try table.unregisterCallback(callback)
        refused(.noSuchFileOrDirectory) { try table.unregisterCallback(callback) }
        try table.unregister(memory.register(in: table))
        #expect(seen.withLock { $0.count } == 2)
    }

    @Test("A callback may register other regions, and cannot end the one it is told of")
    func calls() throws {
        let errors = Mutex<[Errno]>([])
        let callback = MemoryCallback { [table] event, region in
            do throws(DMAError) {
                try table.unregister(region)
            } catch {
                errors.withLock { $0.append(error.errno) }
            }
            guard event == .registered, region.address < 0x20_0000 else { return }
            _ = try? table.registerMemory(at: region.address + 0x10_0000, byteCount: 4096)
        }
        try table.registerCallback(callback)
        let region = try table.registerMemory(at: 0x10_0000, byteCount: 4096)
        #expect(table.regions.map(\.address) == [0x10_0000, 0x20_0000])
        try table.unregister(region)
        #expect(errors.withLock { $0 } == [.resourceBusy, .resourceBusy, .noSuchFileOrDirectory])
    }

    @Test("Callbacks of one C function and argument are the same")
    func equality() throws {
        try table.registerCallback(MemoryCallback(function: 1, argument: 2) { _, _ in })
        refused(.fileExists) { try table.registerCallback(MemoryCallback(function: 1, argument: 2) { _, _ in }) }
        try table.registerCallback(MemoryCallback(function: 1, argument: 3) { _, _ in })
        try table.unregisterCallback(MemoryCallback(function: 1, argument: 2) { _, _ in })
        refused(.noSuchFileOrDirectory) {
            try table.unregisterCallback(MemoryCallback(function: 1, argument: 2) { _, _ in })
        }
    }
}
