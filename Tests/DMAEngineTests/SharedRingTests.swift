import DMADev
import CDMADev
import DMAEngine
import Glibc
import LinuxSystem
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// A ring whose two sides have nothing in common but two files and a bell, as between two processes.
@Suite struct SharedRingTests {
    /// The engine's side, and the application's as it was mapped from descriptors.
    private final class Sides {
        let ring: EngineRing
        let producer: RingProducer
        let application: RingMemory
        private let engine: Engine
        private let bell: EventDescriptor
        private let state = UnsafeMutablePointer<dmadev_producer_state>.allocate(capacity: 1)
        private let word = UnsafeMutablePointer<UInt32>.allocate(capacity: 1)

        /// - Parameter isLight: whether doorbells may leave the barrier to the engine, where the system has that.
        init(_ engine: Engine, layout: RingLayout, isLight: Bool = true) throws {
            self.engine = engine
            state.initialize(to: dmadev_producer_state())
            word.initialize(to: 0)
            let shared = try SharedRingMemory(layout: layout)
            application = try RingMemory(
                layout: layout, applicationFile: shared.applicationFile.raw, engineFile: shared.engineFile.raw)
            ring = EngineRing(EngineRing.Configuration(), memory: shared.memory, engine: engine)
            if !isLight { shared.memory.consumerPage.pointee.light_doorbell = 0 }
            let bell = try EventDescriptor()
            try engine.watch(bell.raw)
            producer = RingProducer(
                memory: application, state: state, bell: EngineBell(word: word, event: bell.raw), liveness: nil,
                isSilent: false, hasPool: false, operations: nil)
            self.bell = bell
        }

        func finish() {
            ring.retire()
            engine.unwatch(bell.raw)
        }

        deinit {
            producer.deallocate()
            state.deallocate()
            word.deallocate()
        }

        func statuses(_ count: Int) -> [UInt16] {
            var all: [UInt16] = []
            var some = [UInt16](repeating: 0, count: 64)
            var last: UInt16 = 0
            while all.count < count {
                let got = producer.completedStatus(
                    into: &some, count: UInt16(min(64, count - all.count)), lastIndex: &last)
                all += some.prefix(Int(got))
                if got == 0 { sched_yield() }
            }
            return all
        }
    }

    private let layout = RingLayout(descriptorCount: 64, maximumEntries: 4)

    @Test(arguments: [true, false])
    func workCrossesFromOneMappingToTheOther(isLight: Bool) throws {
        let sides = try Sides(Engine(isSharedWithProcesses: true), layout: layout, isLight: isLight)
        // The data too has an address on either side.
        let file = try MemoryFile.make(name: "data", byteCount: 4096)
        let engine = try SharedMapping(of: file.raw, byteCount: 4096, isWritable: true)
        let own = try SharedMapping(of: file.raw, byteCount: 4096, isWritable: true)
        let address = UInt64(UInt(bitPattern: engine.bytes.baseAddress))
        for round in 0..<1000 as Range<UInt64> {
            let value = round &* 0x9E37_79B9_7F4A_7C15
            own.bytes.storeBytes(of: value, as: UInt64.self)
            let index = sides.producer.enqueueCopy(address, address + 64, length: 8, flags: 2)
            #expect(index == Int32(round))
            // Now and then the engine has gone to sleep, and only the bell wakes it.
            if round % 100 == 99 { while !isAsleep(sides) { sched_yield() } }
            #expect(sides.statuses(1) == [0])
            #expect(own.bytes.load(fromByteOffset: 64, as: UInt64.self) == value)
        }
        let counts = sides.application.counters.statistics
        #expect(counts == Statistics(submitted: 1000, completed: 1000, errors: 0))
        sides.finish()
    }

    private func isAsleep(_ sides: Sides) -> Bool {
        sides.application.consumerPage.member(\.need_wakeup).atomic.pointee.load(ordering: .acquiring) != 0
    }

    @Test func theApplicationCannotMapTheEnginesSideForWriting() throws {
        let shared = try SharedRingMemory(layout: layout)
        #expect(throws: Errno.notPermitted) {
            _ = try SharedMapping(of: shared.engineFile.raw, byteCount: 4096, isWritable: true)
        }
        // Nor make a hole in it.
        let reader = try SharedMapping(of: shared.engineFile.raw, byteCount: 4096, isWritable: false)
        #expect(madvise(reader.bytes.baseAddress, 4096, MADV_REMOVE) == -1)
        for file in [shared.engineFile.raw, shared.applicationFile.raw] {
            #expect(ftruncate(file, 0) == -1 && errno == EPERM)
            #expect(ftruncate(file, 1 << 30) == -1 && errno == EPERM)
        }
    }

    @Test func filesThatCouldBecomeShorterAreRefused() throws {
        let shared = try SharedRingMemory(layout: layout)
        let loose = try MemoryFile.make(name: "loose", byteCount: layout.engineByteCount)
        let short = try MemoryFile.make(name: "short", byteCount: layout.engineByteCount - 1)
        try MemoryFile.add(.shrink, to: short.raw)
        for bad in [loose.raw, short.raw] {
            #expect(throws: Errno.invalidArgument) {
                _ = try RingMemory(layout: layout, applicationFile: shared.applicationFile.raw, engineFile: bad)
            }
        }
    }

    @Test func anEngineOfThisProcessOnlyWatchesNothing() throws {
        let engine = try Engine()
        let event = try EventDescriptor()
        #expect(throws: Errno.invalidArgument) { try engine.watch(event.raw) }
    }

    @Test func aRingThatIsLetGoInTheMiddleIsFinishedInPartsOrAborted() throws {
        for finishes in [true, false] {
            let sides = try Sides(Engine(isSharedWithProcesses: true), layout: layout)
            let size = 16 << 20
            let file = try MemoryFile.make(name: "big", byteCount: size)
            let memory = try SharedMapping(of: file.raw, byteCount: size, isWritable: true)
            let address = UInt64(UInt(bitPattern: memory.bytes.baseAddress))
            for _ in 0..<3 { _ = sides.producer.enqueueFill(1, address, length: UInt32(size), flags: 0) }
            sides.producer.submit()
            sides.ring.detach()
            var parts = 0
            while finishes, sides.ring.finishPart() { parts += 1 }
            #expect(parts <= size / (256 << 10))
            sides.ring.abortRest()
            let statuses = sides.statuses(3)
            #expect(statuses.last == UInt16(DMADEV_STATUS_USER_ABORT.rawValue))
            #expect(statuses.allSatisfy { $0 == 0 || $0 == UInt16(DMADEV_STATUS_USER_ABORT.rawValue) })
        }
    }
}
