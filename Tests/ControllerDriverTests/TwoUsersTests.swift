import Glibc
import TestSupport
import Testing

/// Users who may not look into each other's processes, with a controller that serves a group of them.
@Suite struct TwoUsersTests {
    static let needsRoot: Comment = "only the superuser becomes two other users"

    @Test(.enabled(if: geteuid() == 0, needsRoot))
    func twoUsersOfTheSocketsGroupMoveMemoryAndOthersDoNotConnect() throws {
        let group: gid_t = 54321
        let directory = try TemporaryDirectory()
        // The way to the socket; who may connect is said by the socket itself.
        chmod(directory.path, 0o711)
        let host = try ControllerHost(in: directory, group: group)
        let first = try MemberProcess(host.path, as: (1, group))
        let second = try MemberProcess(host.path, as: (2, group))
        #expect(throws: TestSupportError.self) { _ = try MemberProcess(host.path, as: (3, 54322)) }
        for (one, other) in [(first, second), (second, first)] {
            let memory = try one.ask("read-memory-of \(other.program.processID)")
            #expect(memory == "error \(EACCES)", "one may look into the other: then this shows nothing")
        }
        let token = Token()
        let made = try first.create(token)
        #expect(try second.ask("join \(made.group) \(Token().hex)") == "error \(EACCES)")
        let joined: UInt16 = try second.number("join \(made.group) \(token.hex)")
        let (window, own) = try second.copyPage(to: first, in: made)
        #expect(try second.ask("copy \(window) \(own + 4096) 4096 \(made.handler) 0") == "successful")
        #expect(try second.ask("holds 4096 4096 42") == "yes")
        try second.kill()
        try first.hear("left:\(made.group):\(joined)")
        #expect(try first.ask("destroy \(made.group)") == "ok")
    }
}
