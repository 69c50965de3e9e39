import Foundation
import TestSupport
import Testing

@testable import GuestMachine

@Suite struct ProgramFileTests {
    @Test func theLoadedPartOfAProgramRuns() throws {
        let whole = try ProgramFile.contents(of: builtProduct("dma-buffers"))
        let part = ProgramFile.loadedPart(of: whole)
        #expect(part.count < whole.count)
        let directory = try TemporaryDirectory()
        let (file, path) = (directory.file("file"), directory.file("program"))
        #expect(
            FileManager.default.createFile(atPath: file, contents: Data(part), attributes: [.posixPermissions: 0o700]))
        // Written by another process: a child that another test starts meanwhile has this one's open files for a moment,
        // and a file that is open for writing cannot be run.
        try outputOfProgram("/bin/cp", ["-p", file, path])
        let result = try runProgram(path)
        #expect(result.exit == .exited(1) && result.output.contains("usage: dma-buffers"), "\(result)")
    }

    @Test func aFileThatIsNoWholeProgramIsUnchanged() throws {
        let whole = Array(try ProgramFile.contents(of: "/proc/self/exe").prefix(4096))
        // Its segments are after the end; neither has it a table.
        for file in [whole, Array(whole.prefix(63)), Array(whole.prefix(20)), Array("#!/bin/sh\n".utf8), []] {
            #expect(ProgramFile.loadedPart(of: file) == file)
        }
        for byte in 32..<40 {
            var file = whole
            file[byte] = 0xFF
            #expect(ProgramFile.loadedPart(of: file) == file)
        }
    }

    @Test func theLibrariesOfAProgramAreFiles() throws {
        let libraries = try ProgramFile.libraries(of: builtProduct("dma-buffers"))
        #expect(libraries.contains { $0.hasSuffix("/libc.so.6") })
        #expect(libraries.allSatisfy { access($0, R_OK) == 0 })
        #expect(try ProgramFile.libraries(of: "/nowhere").isEmpty)
    }
}
