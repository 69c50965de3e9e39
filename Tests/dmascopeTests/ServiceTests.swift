import Foundation
import LinuxSystem
import SystemPackage
import TelemetryWire
import TestSupport
import Testing

/// What a service manager sees of `dmascope serve` and `monitor`: messages, sockets that it has opened, and the end.
@Suite final class ServiceTests {
    private let scope: Scope
    private let socket: OwnedDescriptor

    init() throws {
        scope = try Scope()
        socket = OwnedDescriptor(adopting: Glibc.socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue), 0))
        try SequencedPacketSocket.bind(socket, to: notifyPath, mode: [.ownerReadWrite])
    }

    private var notifyPath: String { scope.directory.file("notify") }

    /// The next message of the service; `nil`: none within that time.
    private func message(within milliseconds: Int32 = 30_000) -> String? {
        var entry = pollfd(fd: socket.raw, events: Int16(POLLIN), revents: 0)
        guard poll(&entry, 1, milliseconds) == 1 else { return nil }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = recv(socket.raw, &buffer, buffer.count, 0)
        return String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self)
    }

    private func start(_ arguments: [String], _ variables: [String: String] = [:]) throws -> RunningProgram {
        try RunningProgram(
            scope.program, arguments,
            environment: scope.environment.merging(["NOTIFY_SOCKET": notifyPath]) { $1 }.merging(variables) { $1 })
    }

    @Test func theManagerLearnsOfTheStartAndTheEnd() throws {
        let server = try start(["serve", "--listen", "unix:\(scope.httpPath)"])
        let ready = try #require(message())
        #expect(ready.hasPrefix("READY=1\nSTATUS=Serves devices dma0, dma1, the controller at "), "\(ready)")
        #expect(ready.contains("HTTP at unix:\(scope.httpPath)"))
        // Ready means that clients can connect.
        #expect(try scope.json("list").elements.count == 2)
        #expect(try scope.curl("http://localhost/readyz") == "ok\n")
        server.kill(SIGTERM)
        #expect(try #require(message()).hasPrefix("STOPPING=1\n"))
        let result = try server.wait()
        #expect(result.exit == .exited(0) && result.errors.isEmpty, "\(result)")
    }

    @Test func theWatchdogIsFedWhileAllThreadsAnswer() throws {
        let server = try start(
            ["serve", "--listen", "unix:\(scope.httpPath)"], ["WATCHDOG_USEC": "2000000"])
        defer { server.kill(SIGKILL) }
        var messages: [String] = []
        while messages.count(where: { $0 == "WATCHDOG=1" }) < 3 { messages.append(try #require(message())) }
        #expect(messages.contains { $0.hasPrefix("READY=1") })
        server.kill(SIGTERM)
        #expect(try server.wait().exit == .exited(0))
    }

    @Test func withoutTheConnectorTheWatchdogIsNotFed() throws {
        let monitor = try start(["monitor", "--listen", "unix:\(scope.httpPath)"], ["WATCHDOG_USEC": "400000"])
        defer { monitor.kill(SIGKILL) }
        while try #require(message()) != "WATCHDOG=1" {}
        let tasks = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(monitor.processID)/task")
        let children = try tasks.flatMap { task in
            try String(
                contentsOfFile: "/proc/\(monitor.processID)/task/\(task)/children", encoding: .utf8
            ).split(separator: " ").compactMap { pid_t($0) }
        }
        kill(try #require(children.first), SIGSTOP)
        // Five times the interval.
        while let text = message(within: 2000) { #expect(["WATCHDOG=1"].contains(text) || text.hasPrefix("READY=1")) }
        kill(try #require(children.first), SIGCONT)
        #expect(message() == "WATCHDOG=1")
    }

    @Test func theWatchdogOfAnotherProcessIsNotFed() throws {
        let server = try start(
            ["serve", "--listen", "off"], ["WATCHDOG_USEC": "100000", "WATCHDOG_PID": "1"])
        #expect(try #require(message()).hasPrefix("READY=1"))
        #expect(message(within: 500) == nil)
        server.kill(SIGTERM)
        #expect(try server.wait().exit == .exited(0))
    }

    @Test func aManagerThatCannotBeReachedIsAnError() throws {
        let result = try runProgram(
            scope.program, ["serve", "--listen", "off"],
            environment: scope.environment.merging(["NOTIFY_SOCKET": scope.directory.file("none")]) { $1 })
        expect(result, exits: 1, saying: "cannot reach the service manager at NOTIFY_SOCKET")
    }

    // MARK: Sockets of the manager

    /// `systemd-socket-activate`, which starts the program at the first client.
    private func activate(_ options: [String], _ arguments: [String]) throws -> RunningProgram {
        let program = try RunningProgram(
            requiredTool("systemd-socket-activate", package: "systemd"),
            ["-E", "RUNTIME_DIRECTORY=\(scope.runDirectory)"] + options + [scope.program] + arguments)
        return program
    }

    @Test func telemetryAndControlUseTheSocketsOfTheManager() throws {
        let telemetry = try scope.makeSocket("given")
        let control = scope.directory.file("given.control")
        // By name, and by kind.
        for names in [["--fdname=telemetry:control"], []] {
            for path in [telemetry, control] { unlink(path) }
            let server = try activate(
                ["--seqpacket", "-l", telemetry, "-l", control] + names, ["serve", "--listen", "off"])
            try eventually("the manager listens") { access(control, F_OK) == 0 && access(telemetry, F_OK) == 0 }
            #expect(try scope.json("list", "--socket", telemetry).elements.count == 2)
            #expect(try server.waitForOutput(containing: "Ctrl-C").contains("socket=\(control)\n"))
            let user = try RunningProgram(
                scope.program,
                ["serve", "--file-prefix", "user", "--no-controller", "--listen", "off"]
                    + ["--device", "controller,socket=\(control)"], environment: scope.environment)
            try user.waitForOutput(containing: "Ctrl-C")
            for program in [user, server] {
                program.kill(SIGTERM)
                #expect(try program.wait().exit == .exited(0))
            }
            // They belong to the manager.
            #expect(access(control, F_OK) == 0 && access(telemetry, F_OK) == 0)
        }
    }

    @Test(arguments: ["serve", "monitor"]) func httpUsesTheSocketOfTheManager(command: String) throws {
        let server = try activate(["-l", scope.httpPath, "--fdname=http"], [command, "--listen", "127.0.0.1:9"])
        try eventually("the manager listens") { access(scope.httpPath, F_OK) == 0 }
        #expect(try scope.curl("http://localhost/healthz") == "ok\n")
        #expect(try scope.curl("http://localhost/metrics").hasSuffix("\n"))
        #expect(try scope.curl("--include", "--request", "POST", "http://localhost/").hasPrefix("HTTP/1.1 405 "))
        server.kill(SIGTERM)
        let result = try server.wait()
        #expect(result.exit == .exited(0), "\(result)")
        #expect(access(scope.httpPath, F_OK) == 0)
    }

    @Test func aSocketThatNothingUsesIsAnError() throws {
        let unknown = scope.directory.file("unknown")
        let cases: [(options: [String], arguments: [String], says: String)] = [
            (["--seqpacket"], ["serve", "--listen", "off"], "set FileDescriptorName=telemetry or control"),
            (["--seqpacket", "--fdname=http"], ["serve"], "http is a listening stream"),
            (["--fdname=telemetry"], ["serve"], "telemetry and control are listening SOCK_SEQPACKET sockets"),
            (["--seqpacket", "--fdname=control"], ["serve", "--no-controller"], "remove it from the unit"),
            (["--seqpacket", "--fdname=telemetry"], ["monitor"], "remove it from the unit"),
        ]
        for (options, arguments, says) in cases {
            unlink(unknown)
            let server = try activate(["-l", unknown] + options, arguments)
            try eventually("the manager listens") { access(unknown, F_OK) == 0 }
            let script = """
                import socket, sys
                kind = socket.SOCK_SEQPACKET if sys.argv[2] else socket.SOCK_STREAM
                socket.socket(socket.AF_UNIX, kind).connect(sys.argv[1])
                """
            _ = try runProgram(
                "/usr/bin/python3", ["-c", script, unknown, options.contains("--seqpacket") ? "x" : ""])
            let result = try server.wait()
            // After those of the manager.
            let last = result.errors.split(separator: "\n").last ?? ""
            #expect(result.exit == .exited(1) && last.hasPrefix("dmascope: ") && last.contains(says), "\(result)")
        }
    }

    /// The first process of a PID namespace listens, as systemd does, and another one serves.
    @Test(.enabled(if: geteuid() == 0, "only the superuser makes PID namespaces"))
    func theProcessBehindASocketOfTheManagerIsClaimed() throws {
        let path = try scope.makeSocket("given")
        let script = """
            import os, socket, subprocess, sys
            assert os.getpid() == 1
            s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.bind(sys.argv[1]); s.listen()
            program = sys.argv[2]
            pid = os.fork()
            if pid == 0:
                os.dup2(os.open("/dev/null", os.O_WRONLY), 1)
                os.dup2(s.fileno(), 3); os.set_inheritable(3, True)
                os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="telemetry")
                os.execv(program, [program, "serve", "--listen", "off", "--no-controller"])
            # Waits until it serves.
            subprocess.run([program, "list", "--socket", sys.argv[1], "--timeout", "60"], stdout=subprocess.DEVNULL, check=True)
            subprocess.run([program, "ps", "--json"], check=True)
            os.kill(pid, 15); os.waitpid(pid, 0)
            """
        let result = try runProgram(
            requiredTool("unshare", package: "util-linux"),
            ["--pid", "--fork", "--mount-proc", "/usr/bin/python3", "-c", script, path, scope.program],
            environment: scope.environment)
        #expect(result.exit == .exited(0), "\(result)")
        let rows = try JSONValue(parsing: result.output).tree
        let row = try #require(rows.elements.first { $0["prefix"]?.string == "given" })
        #expect(row["pid_claimed"] == .bool(true), "\(result)")
        #expect(row["verdict"]?.string == "ok" && row["uid"] == .integer(0))
        #expect(row["pid"]?.integer ?? 0 > 1)
    }

    // MARK: The packaged unit

    /// The commands of the superuser find and trust it without an option.
    @Test(.enabled(if: geteuid() == 0, "only the superuser mounts"))
    func thePackagedServiceIsFound() throws {
        chmod(scope.directory.path, 0o711)
        let script = """
            set -e
            mount -t tmpfs none /run && mkdir -m 711 /run/dmascope-service && chown 34567:34567 /run/dmascope-service
            RUNTIME_DIRECTORY=/run/dmascope-service setpriv --reuid 34567 --regid 34567 --clear-groups \
                --inh-caps +dac_override --ambient-caps +dac_override "$0" serve --listen off > "$1" &
            grep --max-count=1 --quiet Ctrl-C "$1"
            "$0" list
            "$0" ps --json
            kill $!
            """
        mkfifo(scope.directory.file("output"), 0o600)
        let result = try runProgram(
            requiredTool("unshare", package: "util-linux"),
            ["-m", "/bin/bash", "-c", script, scope.program, scope.directory.file("output")])
        #expect(result.exit == .exited(0), "\(result)")
        #expect(result.output.contains("dma0") && result.output.contains("/run/dmascope-service/dpdk"), "\(result)")
    }

    /// Of a service with as many clients as a machine has, and a channel that does not move.
    @Test func aBusyServiceEndsInTheTimeOfItsUnit() throws {
        let unit = Page.file("packaging/dmascope.service")
        let line = try #require(unit.split(separator: "\n").first { $0.hasPrefix("TimeoutStopSec=") })
        let seconds = try #require(Int(line.dropFirst("TimeoutStopSec=".count)))
        let server = try scope.serve(
            "--listen", "unix:\(scope.httpPath)", "--device", "fault,freeze=5", "--device", "software", "--workload",
            "copy", "--workload-rate", "20000")
        let script = """
            import socket, sys
            sockets = []
            for _ in range(1000):
                s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); s.connect(sys.argv[1]); sockets.append(s)
                s.recv(4096); s.send(b"/dmadev/list")
            for _ in range(200):
                s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[2]); sockets.append(s)
                s.send(b"GET /metrics HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
            print("busy", flush=True)
            sys.stdin.read()
            """
        let clients = try RunningProgram("/usr/bin/python3", ["-c", script, scope.socket(), scope.httpPath])
        #expect(try clients.nextLine() == "busy")
        server.kill(SIGTERM)
        #expect(try server.wait(timeout: .seconds(seconds)).exit == .exited(0))
        clients.closeInput()
        _ = try clients.wait()
    }
}

/// The files of the package.
private enum Page {
    static func file(_ name: String) -> String {
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return (try? String(contentsOf: package.appendingPathComponent(name), encoding: .utf8)) ?? ""
    }
}
