import TestSupport
import Testing

/// External memory of one process that another one reaches through the controller: a region that is open as a window.
@Suite struct RegionProcessTests {
    private let owner: MemberProcess
    private let peer: MemberProcess
    private let group: Int
    /// The owner's.
    private let handler: UInt16
    private let host: ControllerHost

    init() throws {
        host = try ControllerHost()
        (owner, peer) = (try MemberProcess(host.path), try MemberProcess(host.path))
        let token = Token()
        (group, handler) = try owner.create(token)
        _ = try peer.number("join \(group) \(token.hex)", as: UInt16.self)
    }

    @Test("A region of one process is copied out of and into by another one, as far as its window goes")
    func copies() throws {
        #expect(try owner.ask("register 4") == "ok")
        _ = try owner.ask("region-put 0 16384 17")
        // Its second and third page.
        let window: UInt64 = try owner.number("region-window \(group) 3 1 2")
        let own: UInt64 = try peer.number("own")
        #expect(try peer.ask("copy \(window) \(own) 8192 \(handler) 0") == "successful")
        #expect(try peer.ask("holds 0 8192 17") == "yes" && peer.ask("holds 8192 4096 0") == "yes")

        _ = try peer.ask("put 0 262144 33")
        #expect(try peer.ask("copy \(own) \(window) 8192 0 \(handler)") == "successful")
        #expect(try owner.ask("region-holds 4096 8192 33") == "yes")
        #expect(try owner.ask("region-holds 0 4096 17") == "yes" && owner.ask("region-holds 12288 4096 17") == "yes")

        // Beside the window.
        #expect(try peer.ask("copy \(window + 8191) \(own) 2 \(handler) 0") == "invalid_src_addr")
        #expect(try peer.ask("copy \(own) \(window - 1) 1 0 \(handler)") == "invalid_dst_addr")
        #expect(try owner.ask("region-holds 0 4096 17") == "yes" && owner.ask("region-holds 12288 4096 17") == "yes")
    }

    @Test("The region is busy until its window is closed; then the other process reaches no byte of it")
    func revocation() throws {
        _ = try owner.ask("register 2")
        let window: UInt64 = try owner.number("region-window \(group) 2 0 2")
        #expect(try owner.ask("unregister") == Refused.busy)
        #expect(try peer.ask("fill \(window) 8192 \(UInt64(0x0505_0505_0505_0505)) \(handler)") == "successful")
        #expect(try owner.ask("region-holds 0 8192 5") == "yes")

        #expect(try owner.ask("close-window \(window)") == "ok")
        #expect(try peer.ask("fill \(window) 8192 0 \(handler)") == "invalid_dst_addr")
        #expect(try owner.ask("region-holds 0 8192 5") == "yes")
        #expect(try owner.ask("unregister") == "ok")
    }

    @Test("Once the owner's process is killed, operations on its region are aborted")
    func killed() throws {
        _ = try owner.ask("register 2")
        let window: UInt64 = try owner.number("region-window \(group) 3 0 2")
        let own: UInt64 = try peer.number("own")
        #expect(try peer.ask("copy \(window) \(own) 4096 \(handler) 0") == "successful")
        try owner.kill()
        // The group ends with its creator.
        try peer.hear("destroyed:\(group):\(handler)")
        #expect(try peer.ask("copy \(window) \(own) 4096 \(handler) 0") == "user_abort")
    }
}
