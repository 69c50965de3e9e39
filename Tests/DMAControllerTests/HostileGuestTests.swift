import CDMADev
import ControllerProtocol
import DMAController
import DMADev
import DMAEngine
import Glibc
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

/// A guest that rewrites its region, makes it shorter, or ends, whenever it wants: the host and the other guest go on, and
/// nothing of theirs changes.
@Suite struct HostileGuestTests {
    private let directory: TemporaryDirectory
    private let region, otherRegion: RegionFile
    private let controller: DMAController
    private let other: StandInGuest
    private let token = [UInt8](repeating: 0xC5, count: 16)

    init() throws {
        directory = try TemporaryDirectory()
        (region, otherRegion) = (try RegionFile(byteCount: 2 << 20), try RegionFile())
        var configuration = ControllerConfiguration()
        configuration.osDomains = [
            OSDomain(name: "hostile", memory: region.path), OSDomain(name: "other", memory: otherRegion.path),
        ]
        configuration.minimumDescriptorCount = 1
        controller = try DMAController.start(path: directory.file("control"), configuration: configuration)
        other = try StandInGuest(controller, "other", otherRegion, in: directory)
    }

    /// A member on the host and one in the other guest, with windows that the hostile guest may read and not write.
    private struct Bystanders {
        let group: AccessGroupID
        let host, guest: GuestMember
        let windows: [DomainWindow]
        /// Memory beside what they share, and what it holds.
        let canaries: [DeviceBuffer]

        init(_ controller: DMAController, _ other: StandInGuest, _ token: [UInt8]) throws {
            (host, guest) = (try GuestMember(controller.path), try GuestMember(other.path))
            let token = try #require(token.withUnsafeBytes { AccessToken(bytes: $0) })
            group = try host.device.createAccessGroup(domain: host.domain, token: token)
            host.handler = try host.device.accessGroupHandler(of: host.domain, in: group)
            guest.handler = try guest.device.joinAccessGroup(group, domain: guest.domain, token: token)
            windows = [try host.window(group, .read), try guest.window(group, .read)]
            canaries = try [host, guest].map { member in
                let canary = try member.device.makeBuffer(byteCount: 256 << 10)
                _ = canary.bytes.initializeMemory(as: UInt8.self, repeating: 0x5A)
                _ = try member.device.mapMemory(canary.bytes)
                return canary
            }
            for member in [host, guest] {
                member.fill(0x5A)
                try member.start()
            }
        }

        /// They move memory as ever, from one to the other and back.
        func work() throws {
            for (reader, owner, window) in [(host, guest, windows[1]), (guest, host, windows[0])] {
                #expect(
                    try reader.copy(
                        from: window.iova, to: reader.iova, 65536, GuestMember.flags(source: owner.handler))
                        == .successful)
            }
        }

        func expectUntouched(_ comment: Comment? = nil) {
            #expect(host.holds(0x5A) && guest.holds(0x5A), comment)
            #expect(canaries.allSatisfy { $0.bytes.allSatisfy { $0 == 0x5A } }, comment)
        }
    }

    /// The hostile guest's connection with a ring at an offset.
    private struct Attacker {
        let peer: RawPeer
        let memory: RingMemory
        let handler: UInt16
        let iova: UInt64

        var completed: UInt64 { memory.consumerPage.member(\.completed).loadAcquiring() }

        func ring(upTo tail: UInt64) {
            memory.producerPage.member(\.tail).storeReleasing(tail)
            EventDescriptor.signal(peer.descriptors[0])
        }
    }

    private let ringRequest = AttachRing(vchan: 0, descriptorCount: 64, maximumEntryCount: 8)
    private var ringByteCount: Int { RingLayout(descriptorCount: 64, maximumEntries: 8).byteCount }

    private func attacker(_ group: AccessGroupID, at offset: UInt64, in mapping: SharedMapping) throws -> Attacker {
        let peer = try RawPeer(controller, of: "hostile")
        _ = try #require(try peer.ask(Hello(), for: Welcome.self))
        let domain = (0..<16).map { _ in UInt8.random(in: 0...255) }
        let request = EnterGroup(group: group, limit: 0, domain: domain, token: token)
        let handler = try #require(try peer.ask(request, for: GroupEntered.self)).handler
        let registration = RegisterMemory(offset: 0, byteCount: UInt64(region.byteCount))
        let iova = try #require(try peer.ask(registration, for: MemoryRegistered.self)).iova
        // Its memory is what the last one has left.
        let place = mapping.bytes[Int(offset)..<Int(offset) + ringByteCount]
        UnsafeMutableRawBufferPointer(rebasing: place).initializeMemory(as: UInt8.self, repeating: 0)
        let memory = try #require(try peer.startRing(ringRequest, at: offset, in: mapping))
        return Attacker(peer: peer, memory: memory, handler: handler, iova: iova)
    }

    /// Writes into the region what may mean something, and other things.
    private struct Scribbler: @unchecked Sendable {
        // Several threads write to the region at once on purpose; all members are constant.
        let mapping: SharedMapping
        let memory: RingMemory
        let addresses: [UInt64]
        let handlers: [UInt16]

        init(_ attacker: Attacker, _ bystanders: Bystanders, _ mapping: SharedMapping) {
            self.mapping = mapping
            memory = attacker.memory
            addresses =
                [attacker.iova, attacker.iova + 0x1000, attacker.iova + (2 << 20) - 8, 0, .max]
                + bystanders.windows.flatMap { [$0.iova, $0.iova + 65532, $0.iova - 8] }
                + [bystanders.host.iova, bystanders.guest.iova]
                + (bystanders.canaries + [bystanders.host.buffer]).map {
                    UInt64(UInt(bitPattern: $0.bytes.baseAddress))
                }
            handlers = [0, attacker.handler, bystanders.host.handler, bystanders.guest.handler]
        }

        func scribble(_ random: inout SeededGenerator) {
            func address() -> UInt64 { addresses[Int(random.next() % UInt64(addresses.count))] }
            func handler() -> UInt16 { handlers[Int(random.next() % UInt64(handlers.count))] }
            let slot = Int(random.next() % 64)
            memory.descriptors[slot] = dmadev_descriptor(
                src: address(), dst: address(), length: UInt32(truncatingIfNeeded: random.next() % 70_000),
                kind: UInt8(random.next() % 5), flags: UInt8(truncatingIfNeeded: random.next()),
                nb_src: UInt8(random.next() % 10), nb_dst: UInt8(random.next() % 10),
                src_handler: handler(), dst_handler: handler(), reserved: 0)
            memory.entries[Int(random.next() % (64 * 16))] = dmadev_sge(
                addr: address(), length: UInt32(truncatingIfNeeded: random.next() % 3000), reserved: 0)
            // Anywhere: also in what the engine publishes.
            let base = mapping.bytes
            for _ in 0..<8 {
                base.storeBytes(
                    of: random.next(), toByteOffset: Int(random.next() % UInt64(base.count / 8)) * 8, as: UInt64.self)
            }
            for page in [memory.base(of: .engine), memory.base(of: .statuses)] where random.next() % 4 == 0 {
                // Rarely the index, which the test reads to find a tail that the engine takes.
                (page + 8 + Int(random.next() % 128) * 8).storeBytes(of: random.next(), as: UInt64.self)
            }
        }
    }

    @Test func whoeverRewritesTheRegionHarmsOnlyItself() throws {
        let bystanders = try Bystanders(controller, other, token)
        let mapping = try region.map()
        var random = SeededGenerator(for: "a rewritten region")
        var rung: UInt64 = 0
        for round in 0..<40 {
            let offset = (random.next() % 16) * 4096
            let attacker = try attacker(bystanders.group, at: offset, in: mapping)
            // A second ring over the first.
            var overlapping = ringRequest
            overlapping.vchan = 1
            _ = try attacker.peer.startRing(overlapping, at: offset + 4096 * (random.next() % 3), in: mapping)
            let scribbler = Scribbler(attacker, bystanders, mapping)
            let isOver = Locked(false)
            let seed = random.next()
            let thread = try SystemThread.start(name: "scribbler") {
                var random = SeededGenerator(seed: seed)
                while !isOver.withLock({ $0 }) { scribbler.scribble(&random) }
            }
            for _ in 0..<50 {
                // The rest of the region is rewritten too: this is one tail of many.
                attacker.ring(upTo: attacker.completed &+ random.next() % 65)
                rung += 1
                if random.next() % 4 == 0 {
                    let place = random.next() % 512 * 4096
                    _ = try attacker.peer.ask(
                        RegisterMemory(offset: place, byteCount: 4096), for: MemoryRegistered.self)
                }
            }
            try bystanders.work()
            if round % 2 == 0 { #expect(try attacker.peer.ask(StopRings(), for: Done.self) != nil) }
            isOver.withLock { $0 = true }
            thread.join()
            bystanders.expectUntouched("round \(round)")
        }
        try eventually("the hostile guest is gone") { controller.statistics.connections == 2 }
        // What is counted was counted by the engine.
        let report = controller.report()
        #expect(try #require(report["operations"]) < 40 * 1_000_000 && report["bytes"] ?? .max < 1 << 40)
        #expect(controller.engines.allSatisfy { $0.operations < 40 * 1_000_000 })
        try bystanders.work()
        bystanders.expectUntouched()
    }

    @Test func whatARegionHoldsDecidesNothing() throws {
        let bystanders = try Bystanders(controller, other, token)
        let mapping = try region.map()
        let attacker = try attacker(bystanders.group, at: 4096, in: mapping)
        // One real operation: a copy in its own memory.
        attacker.memory.descriptors[0] = dmadev_descriptor(
            src: attacker.iova + (1 << 20), dst: attacker.iova + (1 << 20) + 64, length: 64,
            kind: UInt8(DMADEV_KIND_COPY), flags: UInt8(DMADEV_DESC_BATCH_FIRST), nb_src: 0, nb_dst: 0, src_handler: 0,
            dst_handler: 0, reserved: 0)
        attacker.ring(upTo: 1)
        try eventually("it is done") { attacker.completed == 1 }
        // The counters in the region say what the guest likes, and so does every time.
        let page = UnsafeMutableRawPointer(attacker.memory.consumerPage)
        UnsafeMutableRawBufferPointer(start: page, count: 4096).initializeMemory(as: UInt8.self, repeating: 0xEE)
        let row = try #require(controller.report().connections.first { $0.osDomain == "hostile" })
        #expect(row["operations"] == 1 && row["bytes"] == 64 && row["errors"] == 0 && row["halted_rings"] == 0)
        #expect(row["oldest_ns"] == 0 && row["last_completion_ns"] ?? .max < 60_000_000_000)
        // The engine goes on where it was, and publishes all of it again.
        attacker.memory.descriptors[1] = attacker.memory.descriptors[0]
        attacker.ring(upTo: 2)
        try eventually("it is done") { attacker.completed == 2 }
        #expect(attacker.memory.counters.engine.completed == 2 && attacker.memory.counters.engine.bytes == 128)
        // The engine's clock times an operation from when it is seen: a doorbell time of the guest's means nothing.
        #expect(attacker.memory.counters.latency.sum < 60_000_000_000)
        bystanders.expectUntouched()
    }

    @Test func aRegionThatBecomesShorterEndsItsDomain() throws {
        // Its runtime does not survive the jump out of its own copy function.
        guard !ThreadSanitizer.isActive else { return }
        let bystanders = try Bystanders(controller, other, token)
        var random = SeededGenerator(for: "shorter regions")
        for round in 0..<30 {
            let mapping = try region.map()
            let offset = UInt64(region.byteCount - 2 * ringByteCount) & ~4095
            let attacker = try attacker(bystanders.group, at: offset, in: mapping)
            for slot in 0..<64 {
                // Long copies within the region, from and to what soon is missing.
                attacker.memory.descriptors[slot] = dmadev_descriptor(
                    src: attacker.iova + 4096, dst: attacker.iova + (1 << 20), length: 500_000,
                    kind: UInt8(DMADEV_KIND_COPY), flags: UInt8(slot == 0 ? DMADEV_DESC_BATCH_FIRST : 0), nb_src: 0,
                    nb_dst: 0, src_handler: 0, dst_handler: 0, reserved: 0)
            }
            attacker.ring(upTo: 64)
            let until = ContinuousClock.now + .microseconds(Int(random.next() % 2_000))
            while ContinuousClock.now < until { sched_yield() }
            region.truncate(to: Int(random.next() % offset | 1))
            // The engine looks at the ring again.
            EventDescriptor.signal(attacker.peer.descriptors[0])
            var last: [UInt8] = []
            while let message = attacker.peer.receive() { last = message }
            let failed: Failed = try Packet.decode(from: last)
            #expect(failed.reason.contains("has become shorter"), "round \(round)")
            try eventually("it is gone") { controller.statistics.connections == 2 }
            try bystanders.work()
            bystanders.expectUntouched("round \(round)")
            // Too short to be used: the next connection is refused, until the file is what it was.
            let refused = try RawPeer(controller, of: "hostile")
            #expect(try Packet.decode(Failed.self, from: try #require(refused.receive())).errno == ENXIO)
            region.truncate(to: region.byteCount)
        }
    }

    @Test(.enabled(if: !ThreadSanitizer.isActive, "operations that fault")) func aMissingPageOfABufferIsAStatus() throws
    {
        let bystanders = try Bystanders(controller, other, token)
        let mapping = try region.map()
        let attacker = try attacker(bystanders.group, at: 4096, in: mapping)
        let (present, missing) = (attacker.iova + (512 << 10), attacker.iova + (1 << 20))
        let pairs = [(missing, present), (present, missing), (present, present + 4096)]
        for (slot, pair) in pairs.enumerated() {
            attacker.memory.descriptors[slot] = dmadev_descriptor(
                src: pair.0, dst: pair.1, length: 4096, kind: UInt8(DMADEV_KIND_COPY),
                flags: UInt8(slot == 0 ? DMADEV_DESC_BATCH_FIRST : 0), nb_src: 0, nb_dst: 0, src_handler: 0,
                dst_handler: 0, reserved: 0)
        }
        region.truncate(to: 1 << 20)
        attacker.ring(upTo: 3)
        try eventually("they have ended") { attacker.completed == 3 }
        let statuses = (0..<3).map { CompletionStatus(rawValue: attacker.memory.statuses[$0]) }
        #expect(statuses == [.invalidSourceAddress, .invalidDestinationAddress, .successful])
        #expect(try attacker.peer.ask(StopRings(), for: Done.self) != nil)
        bystanders.expectUntouched()
    }

    @Test func twoHundredEndsAtRandomMomentsLeaveNothing() throws {
        let bystanders = try Bystanders(controller, other, token)
        let token = try #require(token.withUnsafeBytes { AccessToken(bytes: $0) })
        let mapping = try region.map()
        var random = SeededGenerator(for: "two hundred ends")
        let rounds = 200
        for round in 0..<rounds {
            let guest = try StandInGuest(controller, "hostile", region, in: directory, session: UInt64(round))
            let victim = try GuestMember(guest.path)
            victim.handler = try victim.device.joinAccessGroup(bystanders.group, domain: victim.domain, token: token)
            let window = try victim.window(bystanders.group)
            // Nothing of the last session, which has lasted until now if nobody waited for its end.
            victim.fill(0xE1)
            for _ in 0..<1000 { sched_yield() }
            #expect(victim.holds(0xE1), "round \(round)")
            try victim.start()
            // Work of both sides on the memory of the guest is under way.
            let into = GuestMember.flags(destination: victim.handler)
            for _ in 0..<20 {
                try bystanders.host.begin(from: bystanders.host.iova, to: window.iova, 65536, into)
                try victim.begin(
                    from: bystanders.windows[1].iova, to: victim.iova, 65536,
                    GuestMember.flags(source: bystanders.guest.handler))
            }
            let until = ContinuousClock.now + .microseconds(Int(random.next() % 1_500))
            while ContinuousClock.now < until { sched_yield() }
            guest.end()
            let statuses = try bystanders.host.ends(20)
            #expect(statuses.drop { $0 == .successful }.allSatisfy { $0 == .userAbort }, "round \(round)")
            // The next session begins at once, or when nothing is left.
            guard round % 2 == 0 || round == rounds - 1 else { continue }
            try eventually("round \(round): nothing of it is left") { controller.statistics.connections == 2 }
            #expect(try bystanders.host.device.accessGroupSize(bystanders.group) == 2)
            // From now on nobody writes to the region.
            _ = mapping.bytes.initializeMemory(as: UInt8.self, repeating: UInt8(truncatingIfNeeded: round))
            #expect(try bystanders.host.copy(from: bystanders.host.iova, to: window.iova, 8, into) == .userAbort)
            if round % 20 == 0 { try bystanders.work() }
            #expect(mapping.bytes.allSatisfy { $0 == UInt8(truncatingIfNeeded: round) }, "round \(round)")
        }
        bystanders.expectUntouched()
        let statistics = controller.statistics
        #expect(statistics.members == 2 && statistics.rings == 2 && statistics.closed == UInt64(rounds))
    }
}

extension RingMemory {
    fileprivate enum Part {
        case engine
        case statuses
    }

    fileprivate func base(of part: Part) -> UnsafeMutableRawPointer {
        switch part {
        case .engine: UnsafeMutableRawPointer(consumerPage)
        case .statuses: UnsafeMutableRawPointer(statuses)
        }
    }
}
