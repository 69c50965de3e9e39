import DMADev
import Glibc
import LinuxSystem
import Synchronization
import SystemPackage
import Testing

/// Calls of many threads at once.
@Suite struct MemoryRaceTests {
    @Test("Getters read whole values while regions come and go")
    func getters() throws {
        let table = DeviceRegistry().memory
        let memory = try TestMemory(pages: 8)
        let identity = try FileIdentity(of: memory.file.raw)
        let isEnding = Atomic<Bool>(false)
        let wrong = Atomic<Int>(0)
        let read = Atomic<Int>(0)
        let pages: [UInt64] = [0, 2, 5]
        func look() {
            for page in pages {
                let address = memory.address + page * 4096
                guard let region = try? table.lookUp(address) else { continue }
                do throws(DMAError) {
                    let offset = try region.dmaBufferOffset
                    let duplicate = OwnedDescriptor(adopting: try region.duplicateDMABufferDescriptor() ?? -1)
                    let isSame = (try? FileIdentity(of: duplicate.raw)) == identity
                    if offset != page * 4096 || !isSame { wrong.add(1, ordering: .relaxed) }
                    read.add(1, ordering: .relaxed)
                } catch {
                    if error.errno != .invalidArgument { wrong.add(1, ordering: .relaxed) }
                }
            }
        }
        try withThreads(2) {
            while !isEnding.load(ordering: .relaxed) { look() }
        } during: {
            for round in 0..<300 {
                let regions = try pages.map { page in
                    try table.registerDMABuffer(
                        memory.file.raw, offset: page * 4096, at: memory.address + page * 4096, byteCount: 4096)
                }
                if round % 8 == 0 { sched_yield() }
                for region in regions { try table.unregister(region) }
            }
            while read.load(ordering: .relaxed) == 0 {
                let region = try memory.register(in: table)
                sched_yield()
                try table.unregister(region)
            }
            isEnding.store(true, ordering: .relaxed)
        }
        #expect(wrong.load(ordering: .relaxed) == 0)
        #expect(table.regions.isEmpty)
    }

    @Test("Of threads that register the same memory, one at a time succeeds")
    func registrations() throws {
        let table = DeviceRegistry().memory
        let inside = Atomic<Int>(0)
        let most = Atomic<Int>(0)
        let done = Atomic<Int>(0)
        func compete() {
            for _ in 0..<2000 {
                guard let region = try? table.registerMemory(at: 0x10_0000, byteCount: 4096) else { continue }
                let count = inside.add(1, ordering: .sequentiallyConsistent).newValue
                most.max(count, ordering: .relaxed)
                inside.subtract(1, ordering: .sequentiallyConsistent)
                done.add(1, ordering: .relaxed)
                try? table.unregister(region)
            }
        }
        try withThreads(3, compete) {}
        #expect(most.load(ordering: .relaxed) == 1 && done.load(ordering: .relaxed) > 0)
        #expect(table.regions.isEmpty)
    }

    @Test("A region is attached before it is unregistered, or not at all")
    func attaching() throws {
        let here = DeviceRegistry().memory
        let there = DeviceRegistry().memory
        let sockets = try SequencedPacketSocket.pair()
        let memory = try TestMemory()
        for _ in 0..<200 {
            let region = try memory.register(in: here)
            try here.send(region, over: sockets.first.raw)
            let received = try there.receive(from: sockets.second.raw)
            let attached = Mutex<MemoryRegion?>(nil)
            try withThreads(1) {
                let region = try? there.attach(received)
                attached.withLock { $0 = region }
            } during: {
                try? here.unregister(region)
            }
            let isAttached = attached.withLock { $0 } != nil
            #expect(region.isRegistered == isAttached)
            if let attached = attached.withLock({ $0 }) {
                try there.detach(attached)
                try here.unregister(region)
            }
        }
    }

    private func withThreads(
        _ count: Int, _ body: @escaping () -> Void, during work: () throws -> Void
    ) throws {
        // The closures are over when this returns.
        nonisolated(unsafe) let body = body
        let threads = try (0..<count).map { _ in try SystemThread.start(name: "race") { body() } }
        defer { for thread in threads { thread.join() } }
        try work()
    }
}
