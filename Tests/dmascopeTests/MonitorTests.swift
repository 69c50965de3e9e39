import Foundation
import LinuxSystem
import TelemetryTestSupport
import TelemetryWire
import TestSupport
import Testing

/// `dmascope monitor`: what it shows, and what each of its two processes may do.
@Suite(.enabled(if: geteuid() == 0, "only the superuser gives a capability to another user"))
struct MonitorTests {
    private let scope: Scope
    /// The user of the monitor, who has no name.
    private static let user = 23456

    init() throws {
        scope = try Scope()
    }

    /// A monitor as its unit starts it: another user, with one capability that its programs inherit.
    private func monitor(
        _ arguments: String..., capability: Bool = true, environment: [String: String] = [:]
    ) throws -> RunningProgram {
        let rights = capability ? ["--inh-caps", "+dac_override", "--ambient-caps", "+dac_override"] : []
        let monitor = try RunningProgram(
            requiredTool("setpriv", package: "util-linux"),
            ["--reuid", "\(Self.user)", "--regid", "\(Self.user)", "--clear-groups"] + rights + [
                scope.program, "monitor", "--listen", "127.0.0.1:0", "--run-directory", scope.runDirectory,
            ] + arguments, environment: environment)
        try monitor.waitForOutput(containing: "Ctrl-C ends it.")
        return monitor
    }

    private func get(_ path: String, from monitor: RunningProgram) throws -> String {
        let address = try #require(monitor.outputSoFar.firstMatch(of: #/http:\/\/127\.0\.0\.1:[0-9]+/#)).output
        return try outputOfProgram(requiredTool("curl", package: "curl"), ["-sS", address + path])
    }

    private func metrics(of monitor: RunningProgram) throws -> [Substring] {
        try get("/metrics", from: monitor).split(separator: "\n").filter { !$0.hasPrefix("#") }
    }

    /// The processes that a monitor has started.
    private func children(of monitor: RunningProgram) throws -> [pid_t] {
        let tasks = "/proc/\(monitor.processID)/task"
        return try FileManager.default.contentsOfDirectory(atPath: tasks).flatMap { task in
            try String(contentsOfFile: "\(tasks)/\(task)/children", encoding: .utf8).split(separator: " ")
                .compactMap { pid_t($0) }
        }
    }

    private func status(_ path: String, _ name: String) throws -> String {
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        let line = try #require(lines.first { $0.hasPrefix(name + ":") }, "\(path) has no \(name)")
        return line.dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces)
    }

    @Test func itShowsTheDevicesOfEveryUserWithTheirOwner() throws {
        let server = try scope.serve("--file-prefix", "roots", "--allow", "\(Self.user):read")
        let other = try OtherUsersServer(in: scope.directory, reader: UInt32(Self.user))
        let monitor = try monitor("--run-directory", other.runDirectory.root)
        let lines = try metrics(of: monitor)
        let (mine, others) = (scope.runDirectory + "/dpdk", other.runDirectory.applications)
        for (directory, owner) in [(mine, "root"), (others, "\(OtherUsersServer.user)")] {
            let series = lines.filter { $0.contains("run_directory=\"\(directory)\"") }
            #expect(series.count > 5)
            #expect(series.allSatisfy { $0.contains("owner=\"\(owner)\"") }, "\(series)")
            #expect(
                series.contains { $0.hasPrefix("dmascope_scrape_success{") && $0.hasSuffix(" 1") }, "\(series)")
        }
        #expect(lines.contains { $0.hasPrefix("dmadev_device_started{") && $0.contains("owner=\"root\"") }, "\(lines)")
        let snapshot = try JSONValue(parsing: get("/snapshot.json", from: monitor)).tree
        let processes = snapshot["processes"]?.elements ?? []
        #expect(processes.contains { $0["owner"]?.string == "root" && $0["prefix"]?.string == "roots" })
        #expect(try get("/readyz", from: monitor) == "ok\n")
        for program in [monitor, server] {
            program.kill(SIGTERM)
            let result = try program.wait()
            #expect(result.exit == .exited(0) && result.errors.isEmpty, "\(result)")
        }
    }

    @Test func theProcessThatReadsMayDoNothing() throws {
        let server = try scope.serve("--allow", "\(Self.user):read")
        defer { server.kill(SIGTERM) }
        let monitor = try monitor()
        defer { monitor.kill(SIGTERM) }
        #expect(try metrics(of: monitor).contains { $0.hasPrefix("dmascope_scrape_success{") && $0.hasSuffix(" 1") })
        // Every thread: capabilities are those of threads.
        let tasks = "/proc/\(monitor.processID)/task"
        let threads = try FileManager.default.contentsOfDirectory(atPath: tasks)
        #expect(threads.count > 2)
        for thread in threads {
            let path = "\(tasks)/\(thread)/status"
            for name in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
                #expect(try UInt64(status(path, name), radix: 16) == 0, "\(name) of \(thread)")
            }
            #expect(try status(path, "NoNewPrivs") == "1")
            #expect(try status(path, "Uid").hasPrefix("\(Self.user)"))
        }
        let children = try children(of: monitor)
        #expect(children.count == 1)
        for name in ["CapPrm", "CapEff"] {
            let rights = try UInt64(status("/proc/\(children[0])/status", name), radix: 16)
            #expect(rights == ProcessCapabilities.fileAccess.rawValue, "\(name)")
        }
        for name in ["CapInh", "CapAmb"] {
            #expect(try UInt64(status("/proc/\(children[0])/status", name), radix: 16) == 0, "\(name)")
        }
        // No process of its user without capabilities may look into the other one.
        #expect(FileManager.default.fileExists(atPath: "/proc/\(children[0])"))
        // What its user may do without: neither the directory nor the socket.
        let refused = try runProgram(
            requiredTool("setpriv", package: "util-linux"),
            [
                "--reuid", "\(Self.user)", "--regid", "\(Self.user)", "--clear-groups", "/usr/bin/python3", "-c",
                "import socket, sys; socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).connect(sys.argv[1])",
                scope.socket(),
            ])
        #expect(refused.exit == .exited(1) && refused.errors.contains("PermissionError"), "\(refused)")
    }

    @Test func withoutTheCapabilityItSaysWhatItMayNotRead() throws {
        // The program and the directories of the test must be in reach of the user.
        chmod(scope.directory.path, 0o711)
        chmod(scope.runDirectory, 0o711)
        guard try canRun() else {
            try Test.cancel("the user of the monitor may not enter the directory of the program")
        }
        let server = try scope.serve("--allow", "\(Self.user):read")
        defer { server.kill(SIGTERM) }
        let monitor = try monitor(capability: false)
        defer { monitor.kill(SIGTERM) }
        let lines = try metrics(of: monitor).filter { $0.contains("run_directory=\"\(scope.runDirectory)") }
        #expect(lines.contains { $0.hasPrefix("dmascope_scrape_success{") && $0.hasSuffix(" 0") }, "\(lines)")
        #expect(lines.contains { $0.contains("reason=\"unreadable\"") || $0.contains("reason=\"permissionDenied\"") })
    }

    /// Whether the user may enter the directory of the program.
    private func canRun() throws -> Bool {
        try runProgram(
            requiredTool("setpriv", package: "util-linux"),
            ["--reuid", "\(Self.user)", "--regid", "\(Self.user)", "--clear-groups", scope.program, "--version"]
        ).exit == .exited(0)
    }

    @Test func bothProcessesEndWithEachOther() throws {
        let monitor = try monitor()
        let connector = try #require(children(of: monitor).first)
        kill(connector, SIGKILL)
        expect(try monitor.wait(), exits: 1, saying: "the process that connects sockets has ended")

        let second = try self.monitor()
        let handle = try ProcessDescriptor.open(#require(children(of: second).first))
        second.kill(SIGKILL)
        _ = try second.wait()
        try eventually("the connector has ended") { ProcessDescriptor.hasEnded(handle) }
    }

    /// Of a user who wants to see what another one has.
    @Test func aSymbolicLinkLeadsNowhere() throws {
        let server = try scope.serve("--allow", "\(Self.user):read")
        defer { server.kill(SIGTERM) }
        let place = scope.directory.file("attack")
        for directory in ["", "/dpdk", "/linked"] { mkdir(place + directory, 0o755) }
        symlink(scope.runDirectory + "/dpdk/dmascope", place + "/dpdk/prefix")
        mkdir(place + "/dpdk/socket", 0o755)
        symlink(scope.socket(), place + "/dpdk/socket/dpdk_telemetry.v2")
        symlink(scope.runDirectory + "/dpdk", place + "/linked/dpdk")
        let monitor = try monitor("--run-directory", place, "--run-directory", place + "/*")
        defer { monitor.kill(SIGTERM) }
        let lines = try metrics(of: monitor).filter { $0.contains("run_directory=\"\(place)") }
        #expect(!lines.contains { $0.hasPrefix("dmascope_scrape_success{") && $0.hasSuffix(" 1") }, "\(lines)")
        #expect(!lines.contains { $0.hasPrefix("dmadev_") }, "\(lines)")
        #expect(lines.contains { $0.contains("reason=\"unreadable\"") }, "\(lines)")
    }

    @Test func wrongOptionsAreUsageErrors() throws {
        for arguments in [
            ["--run-directory", "run"], ["--run-directory", "/a*/b"], ["--listen", "off"], ["--device", "x"],
        ] {
            expect(try scope.run(["monitor"] + arguments), exits: 64, saying: "dmascope monitor --help")
        }
    }
}
