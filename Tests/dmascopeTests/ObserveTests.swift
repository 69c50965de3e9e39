import CDMADev
import Foundation
import LinuxSystem
import TelemetryWire
import TestSupport
import Testing

/// `dmascope observe`, with programs without DMA devices; scripts/check-dpdk-observer has some with them.
@Suite struct ObserveTests {
    private let scope: Scope
    /// A library that every program has anyway.
    private let library: String

    init() throws {
        scope = try Scope()
        let maps = String(decoding: try ProcFile.bytes("/proc/self/maps", atMost: 1 << 24), as: UTF8.self)
        let line = try #require(maps.split(separator: "\n").first { $0.hasSuffix("/libc.so.6") })
        library = String(line[try #require(line.firstIndex(of: "/"))...])
    }

    private func observe(_ arguments: String...) throws -> ProgramResult {
        try scope.run(["observe", "--library", library] + arguments)
    }

    private func start(_ script: String) throws -> RunningProgram {
        try RunningProgram(
            scope.program, ["observe", "--library", library, "--", "sh", "-c", script], environment: scope.environment)
    }

    @Test(arguments: [0, 1, 7, 64, 130, 255]) func theExitStatusIsThatOfTheProgram(_ status: Int32) throws {
        let result = try observe("--", "sh", "-c", "exit \(status)")
        #expect(result.exit == .exited(status))
        #expect(result.output.isEmpty && result.errors.isEmpty, "\(result)")
    }

    @Test func theProgramHasTheStreamsOfTheCommandAndTheLibrary() throws {
        let script = "read word && echo $word $LD_PRELOAD >&2 && echo $DMASCOPE_OBSERVE"
        let result = try scope.run(["observe", "--library", library, "--", "sh", "-c", script], input: "word\n")
        #expect(result.exit == .exited(0))
        #expect(result.errors == "word \(library)\n")
        #expect(Int(result.output.dropLast()) ?? 0 > 1, "\(result)")
    }

    @Test(arguments: [SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH])
    func signalsReachTheProgram(_ signal: Int32) throws {
        let program = try start("trap 'echo got it; exit 3' \(signal); echo ready; while :; do sleep 0.02; done")
        try program.waitForOutput(containing: "ready")
        program.kill(signal)
        let result = try program.wait()
        #expect(result.exit == .exited(3))
        #expect(result.output == "ready\ngot it\n")
    }

    @Test func whatKillsTheProgramEndsTheCommand() throws {
        let result = try observe("--", "sh", "-c", "kill -9 $$")
        #expect(result.exit == .signalled(SIGKILL))
        #expect(result.errors.contains(" was ended by signal 9, Killed; no device of it was observed"), "\(result)")
    }

    @Test func aStoppedProgramStopsTheCommand() throws {
        let program = try start("trap 'exit 5' TERM; echo $$; while :; do sleep 0.02; done")
        let child = try #require(pid_t(program.nextLine()))
        func state() -> Character? {
            let text = try? ProcFile.bytes("/proc/\(program.processID)/stat", atMost: 4096)
            return text.map { String(decoding: $0, as: UTF8.self) }?.split(separator: ")").last?.dropFirst().first
        }
        kill(child, SIGSTOP)
        try eventually("its state") { state() == "T" }
        program.kill(SIGCONT)
        try eventually("its state") { state() == "S" }
        program.kill(SIGTERM)
        #expect(try program.wait().exit == .exited(5))
    }

    @Test func aPluginIsAnArgumentOfTheEAL() throws {
        #expect(try observe("--plugin", "--", "echo", "-l", "0", "--", "own").output == "-l 0 -d \(library) -- own\n")
        #expect(try observe("--plugin", "--", "echo", "-l", "0").output == "-l 0 -d \(library)\n")
        #expect(try observe("--plugin", "--", "sh", "-c", "echo $LD_PRELOAD").output.contains(library) == false)
    }

    @Test func theEnvironmentIsPrinted() throws {
        #expect(try observe("--print-environment").output == "LD_PRELOAD=\(library)\n")
        #expect(try observe("--print-environment", "--plugin").output == "-d \(library)\n")
    }

    @Test func whatCannotBeObservedIsRefused() throws {
        let directory = scope.directory
        // A program without a loader.
        let header: [UInt8] = [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1] + [UInt8](repeating: 0, count: 100)
        let bare = directory.file("bare")
        try Data(header).write(to: URL(fileURLWithPath: bare))
        chmod(bare, 0o755)
        expect(try observe("--", bare), exits: 1, saying: "is linked statically")
        expect(try observe("--plugin", "--", bare), exits: 1, saying: "is linked statically")
        // One with the rights of another user.
        var other = "/usr/bin/passwd"
        if geteuid() == 0 {
            other = directory.file("setuid")
            try FileManager.default.copyItem(atPath: "/bin/true", toPath: other)
            #expect(chown(other, 65534, 65534) == 0 && chmod(other, 0o4755) == 0)
        }
        expect(try observe("--", other), exits: 1, saying: "use --plugin")
        expect(try observe("--", "/none/here"), exits: 1, saying: "cannot run /none/here")
        expect(try observe("--", "dmascope-no-such-program"), exits: 1, saying: "cannot run dmascope-no-such-program")
        expect(
            try scope.run("observe", "--library", "/none/here.so", "--", "true"), exits: 1,
            saying: "there is no /none/here.so")
        expect(try observe(), exits: 64, saying: "the program is missing: put it after --")
        expect(try observe("--plugin", "--preload", "--", "true"), exits: 64, saying: "exclude each other")
        expect(try observe("--ended", "--", "true"), exits: 64, saying: "--ended starts no program")
        expect(try observe("--json", "--", "true"), exits: 64, saying: "--json is for --ended")
    }

    @Test func killedProgramsAreShownUntilTheirCountsArePrinted() throws {
        #expect(try scope.run("observe", "--ended").output == "no observed program was killed\n")
        let place = scope.runDirectory + "/dpdk/worker"
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        let path = place + "/dmascope-observed.4711"
        try Data(Self.file).write(to: URL(fileURLWithPath: path))
        try Data("garbled".utf8).write(to: URL(fileURLWithPath: place + "/dmascope-observed.4712"))

        let row = try #require(scope.json("ps", "--interval", "0.01").elements.first)
        #expect(row["pid"] == .integer(4711))
        #expect(row["prefix"] == .string("worker"))
        #expect(row["verdict"] == .string("ended"))
        #expect(row["devices"]?.elements == [.string("fast0")])
        #expect(row["reason"]?.string?.contains(path) == true)

        // One that still runs is none of them.
        let lock = try #require(FileHandle(forUpdatingAtPath: path))
        #expect(flock(lock.fileDescriptor, LOCK_EX) == 0)
        #expect(try scope.json("ps", "--interval", "0.01").elements.isEmpty)
        // A program that another test starts meanwhile can have inherited it.
        #expect(flock(lock.fileDescriptor, LOCK_UN) == 0)
        try lock.close()

        let result = try scope.run("observe", "--ended")
        #expect(result.errors.contains("dmascope-observed.4712 has no counters: it is too short"), "\(result)")
        #expect(
            rows(result.output).first?.map(String.init) == [
                "4711", "worker", "2", "fast0", "dma_fast", "0", "1003", "1001", "0", "2", "1", "KiB", "-",
            ])
        #expect(!FileManager.default.fileExists(atPath: path))
        #expect(try scope.json("ps", "--interval", "0.01").elements.isEmpty)
    }

    /// As a program leaves it.
    private static var file: [UInt8] {
        var header = observer_file_header()
        header.magic = UInt64(OBSERVER_FILE_MAGIC)
        header.version = UInt32(OBSERVER_FILE_VERSION)
        header.pid = 4711
        header.nb_devices = UInt32(OBSERVER_DEVICE_COUNT)
        var channel = observer_channel_counters()
        channel.counters.application.submitted = 1003
        channel.counters.engine.completed = 1001
        channel.counters.engine.bytes = 1024
        func set<Characters>(_ characters: inout Characters, _ text: String) {
            withUnsafeMutableBytes(of: &characters) { $0.copyBytes(from: Array(text.utf8)) }
        }
        set(&header.program, "worker")
        header.devices.2.offset = UInt64(MemoryLayout<observer_file_header>.size)
        header.devices.2.channel_bytes = UInt32(MemoryLayout<observer_channel_counters>.size)
        header.devices.2.nb_vchans = 1
        set(&header.devices.2.name, "fast0")
        set(&header.devices.2.driver, "dma_fast")
        return withUnsafeBytes(of: &header) { Array($0) } + withUnsafeBytes(of: &channel) { Array($0) }
    }
}
