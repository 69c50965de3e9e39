import Glibc
import LinuxSystem
import Testing

/// The descriptors of a program that is started.
@Suite struct ChildProcessTests {
    /// Each place gets its own file, whatever numbers the files have here.
    @Test(arguments: [0, 100, 200] as [Int32], [false, true])
    func descriptorsArriveAtTheirPlaces(from lowest: Int32, areDescending: Bool) throws {
        var files = try (0..<3).map { _ in try makeFile(from: lowest) }.sorted()
        defer { for file in files { close(file) } }
        if areDescending { files.reverse() }
        #expect(pwrite(files[0], "first", 5, 0) == 5 && pwrite(files[2], "third", 5, 0) == 5)
        let process = try ChildProcess("/bin/cat", ["cat", "/dev/fd/0", "/dev/fd/2"], descriptors: files)
        #expect(process.wait() == 0)
        var text = [UInt8](repeating: 0, count: 16)
        let count = pread(files[1], &text, text.count, 0)
        #expect(String(decoding: text.prefix(max(count, 0)), as: UTF8.self) == "firstthird")
    }

    /// An empty file whose number is at least `lowest`, close-on-exec.
    private func makeFile(from lowest: Int32) throws -> Int32 {
        let file = try MemoryFile.make(name: "test", byteCount: 0)
        let number = fcntl(file.raw, F_DUPFD_CLOEXEC, lowest)
        try #require(number >= lowest)
        return number
    }
}
