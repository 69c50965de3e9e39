/// The members of one access group and their windows, as the engine uses them. The maps of all members share one value:
/// a change of the group costs its members one table in all and one pointer each.
public final class DomainGroup: @unchecked Sendable {
    // The memory is written in `init` only.
    /// One member; the counter outlives each table that names it.
    public struct Member: Sendable {
        /// The member's handler.
        public var handler: UInt16
        /// Counts the operations that reach its windows.
        public var traffic: TrafficCounter

        /// Values are not checked.
        public init(handler: UInt16, traffic: TrafficCounter) {
            self.handler = handler
            self.traffic = traffic
        }
    }

    struct Place {
        let handler: UInt16
        let words: UnsafeMutablePointer<UInt64>
    }

    /// The number of the group, for traces.
    let number: Int16
    /// By handler, then by IOVA.
    let windows: UnsafeMutableBufferPointer<DomainMap.Window>
    /// By handler.
    let places: UnsafeMutableBufferPointer<Place>
    /// The members as bits, in the words that have some; see ``HandlerBits``.
    let bits: [(word: Int, bits: UInt64)]
    /// Keeps the counters allocated.
    private let members: [Member]

    /// Makes the table of a group.
    ///
    /// - Parameters:
    ///   - number: of the group, for traces.
    ///   - members: all of them, each with the counter that it has had before.
    ///   - windows: of all members; those of one member do not overlap.
    public init(number: Int16, members: [Member], windows: [DomainMap.Window]) {
        self.number = number
        self.members = members.sorted { $0.handler < $1.handler }
        places = .allocate(capacity: members.count)
        _ = places.initialize(from: self.members.map { Place(handler: $0.handler, words: $0.traffic.words) })
        self.windows = .allocate(capacity: windows.count)
        _ = self.windows.initialize(from: windows.sorted { ($0.handler, $0.iova) < ($1.handler, $1.iova) })
        var bits: [(word: Int, bits: UInt64)] = []
        for member in self.members {
            let (word, bit) = HandlerBits.place(of: member.handler)
            if bits.last?.word != word { bits.append((word, 0)) }
            bits[bits.count - 1].bits |= bit
        }
        self.bits = bits
    }

    deinit {
        windows.deallocate()
        places.deallocate()
    }

    /// The size of the table.
    public var byteCount: Int {
        windows.count * MemoryLayout<DomainMap.Window>.stride + places.count * MemoryLayout<Place>.stride
    }
}
