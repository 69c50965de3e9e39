import CDMADev
import ControllerProtocol
import DMAController
import DMAEngine
import Glibc
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

/// Members of a group whose rings change while the engine reads them: whatever comes of it stays within what the member
/// may reach.
@Suite struct RewrittenRingTests {
    private let directory: TemporaryDirectory
    private let controller: DMAController
    private let page = 4096

    init() throws {
        directory = try TemporaryDirectory()
        var configuration = ControllerConfiguration()
        configuration.minimumDescriptorCount = 1
        controller = try DMAController.start(path: directory.file("control"), configuration: configuration)
    }

    /// What a hostile member meets: five pages of an owner, of which the second may be written, the fourth only read.
    private struct Target {
        let owner: RawPeer
        let mapping: SharedMapping
        let handler: UInt16
        let writable, readable: UInt64
    }

    /// The hostile member: two pages of its own, of which the first is registered.
    private struct Attacker {
        let peer: RawPeer
        let mapping: SharedMapping
        let handler: UInt16
        let iova: UInt64
        let memory: RingMemory
        let layout: RingLayout

        func ring() { EventDescriptor.signal(peer.descriptors[0]) }
        var completed: UInt64 { memory.consumerPage.member(\.completed).loadAcquiring() }
        func ring(upTo tail: UInt64) {
            memory.producerPage.member(\.tail).storeReleasing(tail)
            ring()
        }
    }

    private let token = [UInt8](repeating: 0xC5, count: 16)

    private func target() throws -> (target: Target, group: Int16) {
        let owner = try RawPeer.greeted(controller.path)
        let request = EnterGroup(group: -1, limit: 8, domain: [UInt8](repeating: 1, count: 16), token: token)
        let entered = try #require(try owner.ask(request, for: GroupEntered.self))
        let file = try sealedPages(5)
        let mapping = try SharedMapping(of: file.raw, byteCount: 5 * page, isWritable: true)
        mapping.bytes.initializeMemory(as: UInt8.self, repeating: 0x5A)
        func window(_ rights: UInt16, _ number: Int) throws -> UInt64 {
            let request = OpenWindow(
                group: entered.group, rights: rights, offset: UInt64(number * page), byteCount: UInt64(page))
            return try #require(try owner.ask(request, [file.raw], for: WindowOpened.self)).iova
        }
        let (writable, readable) = (try window(3, 1), try window(1, 3))
        return (
            Target(
                owner: owner, mapping: mapping, handler: entered.handler, writable: writable, readable: readable),
            entered.group
        )
    }

    private func attacker(_ group: Int16, descriptorCount: UInt16, entries: UInt16) throws -> Attacker {
        let peer = try RawPeer.greeted(controller.path)
        let domain = (0..<16).map { _ in UInt8.random(in: 0...255) }
        let request = EnterGroup(group: group, limit: 0, domain: domain, token: token)
        let handler = try #require(try peer.ask(request, for: GroupEntered.self)).handler
        let file = try sealedPages(2)
        let mapping = try SharedMapping(of: file.raw, byteCount: 2 * page, isWritable: true)
        mapping.bytes.initializeMemory(as: UInt8.self, repeating: 0xA5)
        let registration = RegisterMemory(offset: 0, byteCount: UInt64(page))
        let iova = try #require(try peer.ask(registration, [file.raw], for: MemoryRegistered.self)).iova
        let ring = AttachRing(vchan: 0, descriptorCount: descriptorCount, maximumEntryCount: entries)
        let memory = try #require(try peer.startRing(ring))
        return Attacker(
            peer: peer, mapping: mapping, handler: handler, iova: iova, memory: memory, layout: memory.layout)
    }

    /// Everything but the writable window and the registered page is as it was.
    private func expectUntouched(_ target: Target, _ attacker: Attacker, _ comment: Comment? = nil) {
        for number in [0, 2, 3, 4] {
            let bytes = target.mapping.bytes[number * page..<(number + 1) * page]
            #expect(bytes.allSatisfy { $0 == 0x5A }, comment ?? "page \(number) of the owner")
        }
        #expect(attacker.mapping.bytes[page..<2 * page].allSatisfy { $0 == 0xA5 }, comment)
    }

    /// Writes into a ring what may mean something, and other things.
    private struct Scribbler: @unchecked Sendable {
        // The ring's memory is nobody's to guard: that two write to it at once is what this is about.
        let memory: RingMemory
        let layout: RingLayout
        let addresses: [UInt64]
        let handlers: [UInt16]

        init(_ attacker: Attacker, _ target: Target) {
            memory = attacker.memory
            layout = attacker.layout
            addresses = [
                attacker.iova, attacker.iova + 4000, target.writable, target.writable + 4095, target.readable,
                target.readable - 1, target.writable - 4096, UInt64.max, 0,
                UInt64(UInt(bitPattern: target.mapping.bytes.baseAddress)),
            ]
            handlers = [0, target.handler, attacker.handler]
        }

        /// A descriptor and two entries at a random place.
        func scribble(_ random: inout SeededGenerator) {
            func address() -> UInt64 { addresses[Int(random.next() % UInt64(addresses.count))] }
            func handler() -> UInt16 {
                random.next() % 4 == 0 ? UInt16(truncatingIfNeeded: random.next()) : handlers[Int(random.next() % 3)]
            }
            let slot = Int(random.next() % UInt64(layout.slotCount))
            memory.descriptors[slot] = dmadev_descriptor(
                src: address(), dst: address(), length: UInt32(truncatingIfNeeded: random.next() % 5000),
                kind: UInt8(random.next() % 5), flags: UInt8(truncatingIfNeeded: random.next()),
                nb_src: UInt8(random.next() % 6), nb_dst: UInt8(random.next() % 6),
                src_handler: handler(), dst_handler: handler(), reserved: 0)
            guard layout.maximumEntries > 0 else { return }
            for _ in 0..<2 {
                let entry = Int(random.next() % UInt64(layout.slotCount * 2 * layout.maximumEntries))
                memory.entries[entry] = dmadev_sge(
                    addr: address(), length: UInt32(truncatingIfNeeded: random.next() % 3000), reserved: 0)
            }
        }
    }

    @Test func sixtyThousandRingsOfAMemberStayWithinItsRights() throws {
        let (target, group) = try target()
        var random = SeededGenerator(for: "rings of a member")
        var rounds = 0
        for (count, entries) in [(1, 0), (3, 4), (64, 8), (128, 32)] as [(UInt16, UInt16)] {
            var attacker = try attacker(group, descriptorCount: count, entries: entries)
            var scribbler = Scribbler(attacker, target)
            var completed: UInt64 = 0
            for _ in 0..<15_000 {
                if attacker.memory.isHalted {
                    completed += attacker.completed
                    attacker = try self.attacker(group, descriptorCount: count, entries: entries)
                    scribbler = Scribbler(attacker, target)
                }
                for _ in 0..<4 { scribbler.scribble(&random) }
                // Most times a plausible tail, so that the engine gets as far as looking at what it finds. Another one may
                // halt the ring.
                let tail =
                    random.next() % 512 == 0 ? random.next() : attacker.completed &+ random.next() % (UInt64(count) + 1)
                attacker.memory.producerPage.member(\.tail).storeReleasing(tail)
                if random.next() % 8 == 0 { attacker.ring() }
                rounds += 1
            }
            #expect(completed + attacker.completed > 0)
            #expect(try attacker.peer.ask(StopRings(), for: Done.self) != nil)
            expectUntouched(target, attacker, "rings of \(count), \(entries) entries")
        }
        #expect(rounds == 60_000)
    }

    @Test func whatIsRewrittenWhileItIsReadIsJudgedOnce() throws {
        let (target, group) = try target()
        let attacker = try attacker(group, descriptorCount: 64, entries: 8)
        let seed = SeededGenerator(for: "rewritten rings").seed
        let isOver = Flag()
        // Good and bad addresses take turns under the engine's eyes.
        let scribbler = Scribbler(attacker, target)
        let thread = try SystemThread.start(name: "scribbler") {
            var random = SeededGenerator(seed: seed)
            while !isOver.isSet { scribbler.scribble(&random) }
        }
        var tail: UInt64 = 0
        var finished: UInt64 = 0
        for _ in 0..<20_000 {
            finished = max(finished, attacker.completed)
            tail = max(tail, finished) + 32
            attacker.ring(upTo: min(tail, finished + 64))
        }
        isOver.set()
        thread.join()
        #expect(try attacker.peer.ask(StopRings(), for: Done.self) != nil)
        #expect(finished > 0)
        expectUntouched(target, attacker)
        #expect(try target.owner.ask(StopRings(), for: Done.self) != nil)
    }

    /// Says to another thread that it is over.
    private final class Flag: Sendable {
        private let value = Locked(false)
        var isSet: Bool { value.withLock { $0 } }
        func set() { value.withLock { $0 = true } }
    }
}
