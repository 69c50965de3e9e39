import Foundation
import TelemetryClient
import TelemetryWire
import TestSupport
import Testing

/// Copies that fail leave nothing, and say why.
@Suite struct CopyFailureTests {
    let scope: Scope
    let source: String
    let target: String

    init() throws {
        scope = try Scope()
        source = scope.directory.file("source")
        target = scope.directory.file("target")
        try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: false)
    }

    private func write(_ count: Int) throws {
        try Data(repeating: 7, count: count).write(to: URL(fileURLWithPath: source))
    }

    private func expectNothingLeft(sourceLocation: SourceLocation = #_sourceLocation) throws {
        #expect(try FileManager.default.contentsOfDirectory(atPath: target) == [], sourceLocation: sourceLocation)
        #expect(try scope.leftovers.isEmpty, sourceLocation: sourceLocation)
    }

    /// Begins a copy that takes long, byte by byte, and returns when some are done.
    private func startSlowly(_ options: String..., byteCount: Int = 4_000_000) throws -> RunningProgram {
        try write(byteCount)
        let copy = try RunningProgram(
            scope.program, ["copy", source, target + "/copy", "--chunk", "1"] + options,
            environment: scope.environment)
        // A client that asks until there is one to answer: the copy is not over before that.
        while true {
            if let client = try? TelemetryClient(path: scope.socket()),
                let done = try? client.request("/dmadev/stats,0").tree["completed"]?.unsigned, done > 0
            {
                return copy
            }
        }
    }

    @Test func aSourceThatIsCutMeanwhile() throws {
        let copy = try startSlowly()
        #expect(truncate(source, 0) == 0)
        expect(try copy.wait(), exits: 1, saying: "\(source): cannot read between byte ")
        try expectNothingLeft()
    }

    @Test func aSourceThatIsChangedMeanwhile() throws {
        let copy = try startSlowly("--verify", byteCount: 1_000_000)
        let file = open(source, O_WRONLY)
        #expect(pwrite(file, "x", 1, 0) == 1)
        close(file)
        expect(try copy.wait(), exits: 6, saying: "differs from \(source) at offset 0")
        try expectNothingLeft()
    }

    @Test(arguments: [(SIGTERM, 143 as Int32), (SIGINT, 130 as Int32)])
    func aSignal(signal: Int32, status: Int32) throws {
        let copy = try startSlowly()
        copy.kill(signal)
        expect(try copy.wait(), exits: status, saying: "interrupted by a signal")
        try expectNothingLeft()
    }

    @Test func deathInMidCopy() throws {
        let copy = try startSlowly()
        copy.kill(SIGKILL)
        try copy.wait()
        #expect(try FileManager.default.contentsOfDirectory(atPath: target) == [])
    }

    @Test func itAnswersClientsMeanwhile() throws {
        let copy = try startSlowly()
        let statistics = try scope.json("stats").elements
        #expect(statistics.count == 1)
        #expect(try #require(statistics[0]["submitted"]?.unsigned) > 0)
        copy.kill(SIGTERM)
        try copy.wait()
    }

    @Test func aLimitOfFileSizes() throws {
        try write(1_000_000)
        let command = "ulimit -f 100; exec '\(scope.program)' copy '\(source)' '\(target)/copy'"
        expect(
            try runProgram("/bin/bash", ["-c", command], environment: scope.environment), exits: 1,
            saying: "cannot reserve 977 KiB: File too large")
        try expectNothingLeft()
    }

    @Test func aFullDisk() throws {
        try write(1_000_000)
        // A mount namespace of its own: the file system goes with the shell.
        let command = """
            mount -t tmpfs -o size=512k none '\(target)' && '\(scope.program)' copy '\(source)' '\(target)/copy'
            echo "status $?"; ls -A '\(target)'
            """
        let unshare = try requiredTool("unshare", package: "util-linux")
        let result = try runProgram(
            unshare, [getuid() == 0 ? "-m" : "-rm", "/bin/bash", "-c", command], environment: scope.environment)
        #expect(result.output == "status 1\n")
        #expect(result.errors.contains("No space left on device: free some space"))
    }

    @Test func filesThatAreNone() throws {
        try write(10)
        let fifo = scope.directory.file("fifo")
        mkfifo(fifo, 0o600)
        let link = target + "/link"
        symlink(source, link)
        defer { unlink(link) }
        for (from, to, sentence) in [
            (target, target + "/copy", "is a directory: only regular files"), (fifo, target + "/copy", "is a FIFO"),
            ("/dev/null", target + "/copy", "is a device"),
            ("/proc/cpuinfo", target + "/copy", "has bytes but length 0"),
            (source + "x", target + "/copy", "No such file or directory"),
            (source, target, "is a directory: give the path of a file"),
            (source, target + "/none/copy", "No such file or directory"), (source, "/dev/null", "is a device"),
            (source, link, "is a symbolic link"),
        ] {
            expect(try scope.run("copy", from, to, "--force"), exits: 1, saying: sentence)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: target) == ["link"])
    }

    @Test func devicesThatCannot() throws {
        try write(10)
        for (options, sentence) in [
            (["--vchans", "3", "--device", "software,vchans=2"], "the device takes 1 to 2"),
            (["--device", "software,capabilities=fill"], "lacks the capability mem2mem, sva, copy"),
            (["--device", "software,min-desc=2,max-desc=1"], "min-desc=2 is more than max-desc=1"),
        ] {
            expect(try scope.run(["copy", source, target + "/copy"] + options), exits: 1, saying: sentence)
        }
        try expectNothingLeft()
    }
}
