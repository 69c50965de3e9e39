import DMATrace
import Foundation
import TestSupport
import Testing

/// The object with the probes: where it is found, when it is loaded, and that there is one of it in a process.
@Suite struct TraceObjectTests {
    @Test(
        "The object is found beside the program, in ../lib, and where the system looks",
        arguments: [
            "bin/libdmascope-trace.so", "bin/libdmascope-trace.so.1", "lib/libdmascope-trace.so.1", "elsewhere",
        ])
    func places(place: String) throws {
        let installation = try Installation()
        var environment: [String: String] = [:]
        if place == "elsewhere" {
            try installation.linkObject(in: "elsewhere")
            environment["LD_LIBRARY_PATH"] = installation.directory.file("elsewhere")
        } else {
            try FileManager.default.copyItem(
                atPath: builtProduct("libdmascope-trace.so"), toPath: installation.directory.file(place))
        }
        let trace = try LTTngSession.record {
            try $0.run(installation.program, ["copies", "3"], environment: environment)
        }
        #expect(trace.events.map(\.name) == ["dmadev:copy", "dmadev:copy", "dmadev:copy"])
    }

    @Test("Without the object, or with one that cannot be loaded, a program works and prints no message")
    func absent() throws {
        let installation = try Installation()
        for _ in 1...2 {
            let result = try runProgram(installation.program, ["list"])
            #expect(result.exit == .exited(0) && result.errors == "", "\(result)")
            #expect(result.output.split(separator: "\n").count == TracePoints.all.count)
            try Data("no library".utf8).write(
                to: URL(fileURLWithPath: installation.directory.file("bin/libdmascope-trace.so.1")))
        }
    }

    @Test("As it is installed, the object has a soname and no Swift runtime, and records every event")
    func installed() throws {
        let installation = try Installation()
        try installation.linkObject(in: "lib")
        let dynamic = try outputOfProgram(
            try requiredTool("readelf", package: "binutils"),
            ["--dynamic", "--wide", installation.directory.file("lib/libdmascope-trace.so.1")])
        #expect(dynamic.contains("Library soname: [libdmascope-trace.so.1]"))
        let needed = dynamic.matches(of: #/Shared library: \[(.+?)\.so/#).map(\.1)
        #expect(needed.contains("liblttng-ust"))
        #expect(!needed.contains { $0.hasPrefix("libswift") })

        let trace = try LTTngSession.record { try $0.run(installation.program, ["once"]) }
        #expect(Set(trace.events.map { String($0.name) }) == Set(expectedFields.keys))
        #expect(trace.events.count == expectedFields.count)
    }

    @Test("A program and a library with call sites in one process record each call once", arguments: [false, true])
    func twoImages(isLibraryFirst: Bool) throws {
        let program = try builtProduct("trace-every-event")
        // Each finds an object of its own. Two copies would record each call twice in buffers per user, which this
        // session does not have: so the copies are counted.
        let installation = try Installation()
        try installation.linkObject(in: "lib")
        let image = try installation.buildImage(in: "lib")
        let files = installation.directory.file("files")
        var environment = ["LD_DEBUG": "files", "LD_DEBUG_OUTPUT": files]
        if isLibraryFirst { environment["LD_PRELOAD"] = image }
        var loaded = ""
        let trace = try LTTngSession.record(["dmadev:submit"]) { session in
            let running = try session.start(program, ["image", image], environment: environment)
            loaded = "\(files).\(running.processID)"
            #expect(try running.wait().exit == .exited(0))
        }
        #expect(try trace.events.map { try $0.fields()["dev_id"] } == [7, 8])
        let begun = try String(contentsOfFile: loaded, encoding: .utf8).split(separator: "\n")
            .filter { $0.contains("calling init: ") && $0.contains("/libdmascope-trace.so") }
        #expect(begun.count == 1)
        #expect(begun.first?.contains(installation.directory.path) == isLibraryFirst)
    }

    @Test("A child process is recorded when it loads the object itself, and by liblttng-ust-fork when its parent has")
    func children() throws {
        let program = try builtProduct("trace-every-event")
        for (order, preloaded) in [("after", [:]), ("before", ["LD_PRELOAD": "liblttng-ust-fork.so.1"])] {
            let trace = try LTTngSession.record { session in
                let child = try session.run(program, ["fork", order], environment: preloaded).output
                session.include(try #require(pid_t(child.trimmingCharacters(in: .newlines))))
            }
            let calls = try trace.events(named: "dmadev:copy").map { try $0.fields()["length"] }
            #expect(calls == [0, 1, 2, 3, 4, 0, 1, 2], "\(order)")
        }
    }

    @Test("A daemon that starts after the program finds it, lists its events, and records them")
    func lateDaemon() throws {
        let directory = try TemporaryDirectory()
        let isRoot = geteuid() == 0
        // A daemon of the test's own: for the superuser, in a namespace with its own /run.
        let namespace = isRoot ? [try requiredTool("unshare", package: "util-linux"), "--mount"] : ["/usr/bin/env"]
        let tools = try ["lttng-sessiond", "lttng"].map { try requiredTool($0, package: "lttng-tools") }
        let reader = try requiredTool("babeltrace2", package: "babeltrace2")
        let script = """
            set -euo pipefail
            program=$1 sessiond=$2 lttng="$3 --no-sessiond" babeltrace=$4
            if ((EUID == 0)); then
                mount -t tmpfs tmpfs /run
                mount -t tmpfs -o mode=1777 tmpfs /dev/shm
            fi
            within() {
                for _ in {1..600}; do
                    ! "$@" || return 0
                    sleep 0.05
                done
                echo "$*: not within 30 s" >&2
                return 1
            }
            mkfifo in
            "$program" hold <in >out &
            traced=$!
            exec 3>in
            within grep -q ready out
            "$sessiond" --no-kernel >/dev/null 2>&1 3>&- &
            daemon=$!
            trap 'kill $daemon; wait' EXIT
            listed() { $lttng list --userspace 2>/dev/null | grep -q 'dmadev:copy '; }
            within listed
            $lttng --quiet create late --output="$PWD/trace"
            $lttng --quiet enable-event --userspace 'dmadev*'
            $lttng --quiet start
            echo 4 >&3
            exec 3>&-
            wait $traced
            $lttng --quiet stop
            "$babeltrace" trace
            $lttng --quiet destroy
            """
        let result = try runProgram(
            namespace[0],
            namespace.dropFirst() + [
                "bash", "-c", "cd \"$0\" && eval \"$5\"", directory.path, builtProduct("trace-every-event"),
            ]
                + tools + [reader, script],
            environment: ["LTTNG_HOME": directory.path, "HOME": directory.path])
        #expect(result.exit == .exited(0), "\(result)")
        #expect(result.output.split(separator: "\n").count { $0.contains(" dmadev:copy: ") } == 4, "\(result)")
    }
}

/// A program in `bin` of a directory of its own, as an installation has it.
private struct Installation {
    let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
        for name in ["bin", "lib", "elsewhere"] {
            try FileManager.default.createDirectory(atPath: directory.file(name), withIntermediateDirectories: false)
        }
        // By a process of its own: one that another test starts meanwhile would inherit a file that is being written, and
        // nobody could run it.
        try outputOfProgram("/bin/cp", [builtProduct("trace-every-event"), program])
    }

    var program: String { directory.file("bin/trace-every-event") }

    /// Makes the object as for an installation.
    func linkObject(in folder: String) throws {
        try outputOfProgram(Self.package + "/scripts/link-trace-object", [directory.file(folder)])
    }

    /// A shared library with call sites of its own, which loads the object when it is loaded and when it is called.
    func buildImage(in folder: String) throws -> String {
        let code = directory.file("image.c")
        try """
        #include "dmatrace.h"

        __attribute__((constructor)) static void begin(void)
        {
            dmatrace_load();
        }

        void trace_submit(int16_t dev_id)
        {
            dmatrace_load();
            dmatrace_dmadev_submit(dev_id, 0, 0);
        }
        """.write(toFile: code, atomically: true, encoding: .utf8)
        let sources = Self.package + "/Sources/CDMATrace"
        let files = try FileManager.default.contentsOfDirectory(atPath: sources).filter { $0.hasSuffix(".c") }
        let library = directory.file("\(folder)/libimage.so")
        try outputOfProgram(
            try requiredTool("clang", package: "clang"),
            [
                "-shared", "-fPIC", "-I\(sources)", "-I\(sources)/include", "-I\(Self.package)/Sources/CDMADev/include",
                "-o", library, code,
            ] + files.map { "\(sources)/\($0)" } + ["-ldl"])
        return library
    }

    private static let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().path
}
