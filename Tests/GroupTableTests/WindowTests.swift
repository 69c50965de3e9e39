import DMADev
import GroupTable
import SystemPackage
import Testing

/// Windows: who has them, who learns of them, and when they go.
@Suite struct WindowTests {
    @Test("Members learn each other's windows; who is no member learns of none")
    func members() throws {
        var world = try World()
        let id = try world.group(of: 3)
        let window = try world.table.addWindow(length: 10_000, rights: .read, to: id, by: .process(2))
        #expect(window.handler == (try world.handler(2, in: id)))
        for process: UInt64 in [1, 2, 3] {
            #expect(try world.table.group(id, for: .process(process)).members.map(\.windows) == [[], [window], []])
        }
        for client: AccessGroupClient in [.process(4), .process(1, device: 1)] {
            #expect(world.table.groups(of: client) == [])
        }
    }

    @Test("Addresses of windows are given once, lie apart, and are no process's")
    func addresses() throws {
        var world = try World()
        let id = try world.group(of: 2)
        var last: UInt64 = 0
        for length: UInt64 in [1, 4096, 4097, 1 << 40, 5] {
            let window = try world.table.addWindow(length: length, rights: .write, to: id, by: .process(1))
            #expect(window.iova % 4096 == 0)
            #expect(window.iova > last)
            #expect(window.iova >> 62 == 0b10)
            last = window.iova + length
            let revocation = try world.table.removeWindow(iova: window.iova, by: .process(1))
            world.table.confirm(revocation)
        }
        refused(.noSpace) { () throws(DMAError) in
            try world.table.addWindow(length: 1 << 62, rights: .read, to: id, by: .process(1))
        }
        refused(.noSpace) { () throws(DMAError) in
            try world.table.addWindow(length: .max, rights: .read, to: id, by: .process(1))
        }
    }

    @Test("A process that has used up its addresses gets no further window, and others do")
    func exhaustion() throws {
        var world = try World()
        let id = try world.group(of: 2)
        try world.join(id, .numbered(1), .process(1, device: 1))
        var ranges: [Range<UInt64>] = []
        func open(_ client: AccessGroupClient) throws(DMAError) -> DomainWindow {
            let window = try world.table.addWindow(length: 1 << 56, rights: .read, to: id, by: client)
            world.table.confirm(try world.table.removeWindow(iova: window.iova, by: client))
            return window
        }
        // Both devices of the process take from the same addresses.
        while let window = try? open(.process(1, device: Int16(ranges.count % 2))) {
            #expect(window.iova >> 62 == 0b10 && (window.iova + (1 << 56) - 1) >> 62 == 0b10)
            ranges.append(window.iova..<window.iova + (1 << 56))
        }
        #expect((60..<64).contains(ranges.count))
        let sorted = ranges.sorted { $0.lowerBound < $1.lowerBound }
        #expect(zip(sorted, sorted.dropFirst()).allSatisfy { $0.upperBound < $1.lowerBound })
        let error = #expect(throws: DMAError.self) { try open(.process(1)) }
        #expect(error?.errno == .noSpace && error?.message.contains("process 1001 has used up its addresses") == true)
        for _ in 0..<10 { _ = try open(.process(2)) }
        // It goes with the process.
        for device: Int16 in 0...1 { world.table.confirm(world.table.depart(.process(1, device: device))) }
        world.table.forget(process: 1)
        _ = world.table.takeDeliveries()
    }

    @Test("Two members' windows at one address are theirs each")
    func equalAddresses() throws {
        var world = try World()
        // Numbers of processes whose addresses begin at the same place.
        let (one, other) = (AccessGroupClient.process(1), AccessGroupClient.process(1 + 1 << 16))
        let id = try world.group(of: 1)
        try world.join(id, .numbered(2), other)
        let windows = try [one, other].map { try world.table.addWindow(length: 9, rights: .read, to: id, by: $0) }
        #expect(windows[0].iova == windows[1].iova && windows[0].handler != windows[1].handler)
        #expect(try world.table.removeWindow(iova: windows[0].iova, by: other).windows == [windows[1]])
        refused(.invalidArgument) { () throws(DMAError) in
            try world.table.removeWindow(iova: windows[0].iova, by: other)
        }
        #expect(try world.table.removeWindow(iova: windows[0].iova, by: one).windows == [windows[0]])
    }

    @Test("A window goes with its revocation, by its owner only")
    func removal() throws {
        var world = try World()
        let id = try world.group(of: 2)
        let window = try world.table.addWindow(length: 1, rights: .read, to: id, by: .process(2))
        refused(.invalidArgument) { () throws(DMAError) in
            try world.table.removeWindow(iova: window.iova, by: .process(1))
        }
        let revocation = try world.table.removeWindow(iova: window.iova, by: .process(2))
        #expect(revocation.windows == [window] && revocation.handlers == [])
        #expect(try world.table.group(id, for: .process(1)).members.allSatisfy { $0.windows == [] })
        refused(.invalidArgument) { () throws(DMAError) in
            try world.table.removeWindow(iova: window.iova, by: .process(2))
        }
    }

    @Test("When a member goes, its windows are revoked with its handler; when the creator goes, everybody's")
    func leaving() throws {
        var world = try World()
        let id = try world.group(of: 3)
        let windows = try [1, 2, 3].map {
            try world.table.addWindow(length: 1, rights: .read, to: id, by: .process($0))
        }
        #expect(try world.table.leave(id, by: .process(3)).windows == [windows[2]])
        #expect(try world.table.group(id, for: .process(1)).members.map(\.windows) == [[windows[0]], [windows[1]]])
        #expect(world.table.depart(.process(1)).windows == [windows[0], windows[1]])
        #expect(world.table.groups(of: .process(2)) == [])
    }

    @Test("Windows need a length, a right and a membership, and each user's have an end")
    func refusals() throws {
        var world = try World(AccessGroupLimits(groupCount: 8, windowsPerTenant: 2))
        let id = try world.group(of: 2)
        for rights: WindowRights in [[], WindowRights(rawValue: 4), [.read, WindowRights(rawValue: 8)]] {
            refused(.invalidArgument) { () throws(DMAError) in
                try world.table.addWindow(length: 1, rights: rights, to: id, by: .process(1))
            }
        }
        refused(.invalidArgument) { () throws(DMAError) in
            try world.table.addWindow(length: 0, rights: .read, to: id, by: .process(1))
        }
        refused(.permissionDenied) { () throws(DMAError) in
            try world.table.addWindow(length: 1, rights: .read, to: id, by: .process(3))
        }
        refused(.permissionDenied) { () throws(DMAError) in
            try world.table.addWindow(length: 1, rights: .read, to: id + 1, by: .process(1))
        }
        for process: UInt64 in [1, 2] {
            _ = try world.table.addWindow(length: 1, rights: .read, to: id, by: .process(process))
        }
        refused(.noSpace) { () throws(DMAError) in
            try world.table.addWindow(length: 1, rights: .read, to: id, by: .process(1))
        }
        try world.join(id, .numbered(11), .process(11))
        _ = try world.table.addWindow(length: 1, rights: .read, to: id, by: .process(11))
    }
}
