import Foundation
import LinuxSystem
import TestSupport
import Testing

/// The control group that a process is counted to.
@Suite struct ControlGroupTests {
    /// A program that is in a group, and waits until its input ends.
    private func start(in directory: ControlGroupDirectory) throws -> RunningProgram {
        let program = try directory.run("/bin/sh", ["-c", "echo ready; exec cat"])
        guard try program.nextLine() == "ready" else { throw TestSupportError("a program is not ready") }
        return program
    }

    private func group(of program: RunningProgram) throws -> ControlGroup? {
        ControlGroup(of: program.processID, try ProcessDescriptor.open(program.processID))
    }

    @Test(
        "The path is that of the line without controllers",
        arguments: [
            ("0::/\n", "/"), ("0::/a.slice/b c\n", "/a.slice/b c"), ("4:memory:/x\n1:name=systemd:/y\n0::/z\n", "/z"),
            ("0::/../other\n", "/../other"), ("1:name=systemd:/y\n", nil), ("10::/a\n", nil), ("", nil), ("0::", nil),
        ])
    func parses(text: String, path: String?) {
        #expect(ControlGroup.path(in: text) == path)
    }

    @Test("A group that cannot be read is known by its path")
    func unreadable() throws {
        let own = try ProcessDescriptor.open(getpid())
        let found = ControlGroup(of: getpid(), own, roots: ["/proc", "/nowhere"])
        let group = try #require(found)
        #expect(group.inode == nil && group.path.hasPrefix("/"))
        let other = ControlGroup(of: getpid(), own, roots: [])
        #expect(group == other)
    }

    @Test("A process that has ended or cannot be seen has none")
    func ended() throws {
        let program = try RunningProgram("/bin/cat")
        let process = try ProcessDescriptor.open(program.processID)
        let (seen, unseen) = (ControlGroup(of: program.processID, process), ControlGroup(of: 0, process))
        #expect(seen != nil && unseen == nil)
        program.kill(SIGKILL)
        try program.wait()
        // The number is free now; this process stands for the one that gets it.
        let next = ControlGroup(of: getpid(), process)
        #expect(next == nil)
    }

    @Test(
        "Two groups differ, also by the number of the directory alone",
        .enabled(if: ControlGroupDirectory.root != nil, "\(ControlGroupDirectory.isMissing)"))
    func identity() throws {
        let (one, other) = (try ControlGroupDirectory(), try ControlGroupDirectory())
        let programs = [try start(in: one), try start(in: one), try start(in: other)]
        let groups = try programs.map { try #require(try group(of: $0)) }
        #expect(groups[0] == groups[1] && groups[0] != groups[2])
        #expect(groups.map(\.path) == [one.path, one.path, other.path])
        #expect(groups.allSatisfy { $0.inode != nil })
        #expect(groups[0] != ControlGroup(path: one.path, inode: groups[2].inode))
        for program in programs {
            program.closeInput()
            try program.wait()
        }
    }

    @Test(
        "Groups below one of another user are counted to that one",
        .enabled(if: ControlGroupDirectory.root != nil && geteuid() == 0, "\(ControlGroupDirectory.isMissing)"))
    func delegation() throws {
        let given = try ControlGroupDirectory(owner: 1)
        let inner = [try ControlGroupDirectory(in: given.path, owner: 1), try ControlGroupDirectory(in: given.path)]
        let programs = try inner.map { try start(in: $0) }
        for program in programs {
            #expect(try group(of: program)?.path == given.path)
            program.closeInput()
            try program.wait()
        }
    }
}
