import DMADev
import Glibc
import Testing

/// Addresses that fail: the operation tells which side, and the others go on.
let addressCases: [ConformanceCase] = [
    ConformanceCase("refuses addresses that no process can have", needs: [.handlesErrors, .sva]) {
        try failsAt(BadAddress.untouched, $0)
    },
    ConformanceCase("survives addresses that fault", needs: [.handlesErrors, .sva], faults: true) {
        try failsAt(BadAddress.faulting(), $0)
    },
    ConformanceCase("reads what it may only read", needs: [.handlesErrors, .sva, .copy], faults: true, readsReadOnly),
    ConformanceCase(
        "fails where memory ends, and writes nothing beyond", needs: [.handlesErrors, .sva], faults: true, failsAtEnd),
]

/// An address at which an operation fails.
struct BadAddress {
    let name: String
    let address: UInt64
    /// Reading there fails too.
    var failsAsSource = true
    /// What keeps the address bad.
    var memory: MappedMemory?

    /// One that every device refuses without touching it.
    static let refused: UInt64 = 1 << 60
    static let zero: UInt64 = 0

    /// Addresses that can be told from their value.
    static var untouched: [BadAddress] {
        [
            BadAddress(name: "beyond all page tables", address: refused),
            BadAddress(name: "first refused", address: 1 << 56),
            BadAddress(name: "kernel", address: 0xFFFF_8880_0000_0000),
            BadAddress(name: "wrapping", address: .max - 3),
            BadAddress(name: "last", address: .max),
        ]
    }

    /// Addresses that somebody has to try.
    static func faulting() throws -> [BadAddress] {
        let noAccess = try MappedMemory(pages: 1, protection: PROT_NONE)
        let readOnly = try MappedMemory(pages: 1, protection: PROT_READ)
        let truncated = try MappedMemory(truncatedPages: 1)
        let half = try MappedMemory(pages: 2)
        try half.protect(page: 1, PROT_NONE)
        return [
            BadAddress(name: "zero", address: zero),
            BadAddress(name: "below all mappings", address: 0x8000),
            BadAddress(name: "no access", address: noAccess.address + 5, memory: noAccess),
            BadAddress(name: "read-only", address: readOnly.address + 5, failsAsSource: false, memory: readOnly),
            BadAddress(name: "file that was cut", address: truncated.address + 5, memory: truncated),
            BadAddress(name: "ends on the way", address: half.address + 4096 - 7, memory: half),
            BadAddress(name: "end of user memory", address: (1 << 47) - 8),
            BadAddress(name: "not canonical", address: 1 << 47),
            BadAddress(name: "not canonical, below the refused", address: (1 << 56) - 4096),
        ]
    }
}

/// Each address as each side of each kind of operation, at each place of a burst.
private func failsAt(_ addresses: [BadAddress], _ bench: ConformanceBench) throws {
    let (channel, count) = (try bench.channel(), bench.burst(upTo: 4))
    for kind in Slab.Kind.offered(by: bench.properties.capabilities) {
        let slab = Slab(slots: count, kinds: [kind])
        for bad in addresses {
            for side in [Slab.Side.source, .destination] where side == .destination || bad.failsAsSource {
                for place in 0..<count {
                    slab.reset()
                    var expected = Array(repeating: CompletionStatus.successful, count: count)
                    for slot in 0..<count {
                        if slot == place {
                            expected[slot] = try slab.enqueueBad(slot, bad.address, as: side, on: channel)
                        } else {
                            try slab.enqueue(slot, on: channel)
                        }
                    }
                    try channel.submit()
                    #expect(
                        try channel.statuses(count) == expected, "\(kind) with \(side) '\(bad.name)' at \(place)")
                    if side == .source || kind == .fill, bad.name != "ends on the way" {
                        slab.expectWritten { $0 != place }
                    }
                }
            }
        }
        withExtendedLifetime(addresses) {}
    }
}

private func readsReadOnly(_ bench: ConformanceBench) throws {
    let (channel, target) = (try bench.channel(), GuardedMemory(4096))
    let readOnly = try MappedMemory(pages: 1, protection: PROT_READ)
    try channel.copy(from: readOnly.address, to: target.address, length: 4096, flags: .submit)
    #expect(try channel.statuses(1) == [.successful])
    target.expect(Array(repeating: 0, count: 4096))
}

/// A large operation that runs out of memory in a later part.
private func failsAtEnd(_ bench: ConformanceBench) throws {
    let channel = try bench.channel()
    let (pages, tail) = (200, 3)
    for kind in Slab.Kind.offered(by: bench.properties.capabilities) {
        for side in [Slab.Side.source, .destination] where kind != .fill || side == .destination {
            let good = GuardedMemory(pages * MappedMemory.page, seed: 10)
            let cut = try MappedMemory(pages: pages)
            try cut.protect(page: pages - tail, PROT_NONE)
            let before = good.bytes
            let (whole, broken) = (good.address, cut.address)
            let (from, to) = side == .source ? (broken, whole) : (whole, broken)
            let length = UInt32(good.count)
            switch kind {
            case .copy: try channel.copy(from: from, to: to, length: length, flags: .submit)
            case .fill: try channel.fill(to, pattern: 1, length: length, flags: .submit)
            case .scatterGather:
                try channel.copy(
                    from: [ScatterGatherEntry(address: from, length: length)],
                    to: [ScatterGatherEntry(address: to, length: length)], flags: .submit)
            }
            let status: CompletionStatus = side == .source ? .invalidSourceAddress : .invalidDestinationAddress
            #expect(try channel.statuses(1) == [status])
            if side == .destination {
                good.expect(before)
                let beyond = (pages - tail + 1) * MappedMemory.page
                #expect(cut.bytes(in: beyond..<pages * MappedMemory.page).allSatisfy { $0 == 0 })
            }
        }
    }
}
