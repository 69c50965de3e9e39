import Foundation
import TestSupport
import Testing

@Suite struct TemporaryDirectoryTests {
    @Test func theContentsAreAllThatIsBelow() throws {
        let directory = try TemporaryDirectory()
        #expect(try directory.contents == [])
        mkdir(directory.file("b"), 0o700)
        symlink("/etc", directory.file("b/link"))
        close(open(directory.file("a"), O_CREAT | O_RDWR, 0o600))
        #expect(try directory.contents == ["a", "b", "b/link"])
    }

    @Test func itGoesWithTheLastReferenceAndLeavesAloneWhatLinksPointTo() throws {
        let other = try TemporaryDirectory()
        close(open(other.file("kept"), O_CREAT | O_RDWR, 0o600))
        var directory: TemporaryDirectory? = try TemporaryDirectory()
        let path = try #require(directory).path
        symlink(other.path, path + "/link")
        directory = nil
        #expect(access(path, F_OK) == -1)
        #expect(try other.contents == ["kept"])
    }
}
