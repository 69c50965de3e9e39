import Foundation
import TestSupport

/// A virtual machine that boots Debian's kernel, for what the kernel of this machine may not have, such as dma-bufs.
///
/// QEMU translates its instructions (TCG), so that it runs where KVM does not; it is ten to thirty times slower than the
/// machine. All of its files are in memory, those of the programs at the same paths as on this machine.
public struct Guest {
    /// Why there can be no guest on this machine; `nil` if there can. For the conditions of tests.
    public static let unavailable: String? = {
        #if arch(x86_64)
            let isThere = GuestPackages.kernel != nil && access(GuestPackages.emulator, X_OK) == 0
            return isThere ? nil : "no QEMU and kernel for a guest: run scripts/fetch-packages guest"
        #else
            return "the guests are of x86-64"
        #endif
    }()

    /// What ``Guest/run(_:timeout:)`` returns.
    public struct Outcome {
        /// The exit status of the script.
        public let status: Int32
        /// What the script wrote to its standard output and standard error.
        public let output: String
        /// What the kernel and `/init` wrote.
        public let console: String
        /// The files that the script left in `/out`.
        public let files: TemporaryDirectory
    }

    private var archive = RootArchive()

    /// A guest with busybox and the directories that its kernel fills.
    ///
    /// - Throws: if ``unavailable`` is not `nil`.
    public init() throws {
        if let reason = Self.unavailable { throw TestSupportError(reason) }
        for directory in ["/dev", "/out", "/proc", "/run", "/sys", "/tmp", "/root", "/usr/bin", "/usr/sbin", "/sbin"] {
            archive.addDirectory(directory)
        }
        try archive.add(file: GuestPackages.busybox, at: "/bin/busybox")
        archive.add(Data("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n".utf8), at: "/etc/passwd")
        archive.add(Data("root:x:0:\nnogroup:x:65534:\n".utf8), at: "/etc/group")
        archive.add(Data(Self.initScript.utf8), at: "/init", isExecutable: true)
    }

    /// Adds programs or shared libraries of this machine, without debugging information, and all libraries that they
    /// link.
    public mutating func add(programs paths: String...) throws {
        let directory = try TemporaryDirectory()
        for path in paths {
            let stripped = directory.file("stripped")
            try outputOfProgram(
                try requiredTool("strip", package: "binutils"), ["--strip-debug", "-o", stripped, path])
            try archive.add(file: stripped, at: path)
            // Lines such as "libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x…)" and "/lib64/ld-linux-x86-64.so.2 (0x…)".
            let lines = try outputOfProgram("/usr/bin/ldd", [path]).split(separator: "\n")
            for line in lines {
                guard let word = line.split(separator: " ").first(where: { $0.contains("/") }) else { continue }
                let library = word.drop { $0.isWhitespace }
                try archive.add(file: String(library))
            }
        }
    }

    /// Adds the session daemon of LTTng and what it starts, and what a traced program loads.
    public mutating func addTracer() throws {
        let libraries = "/usr/lib/x86_64-linux-gnu"
        try add(
            programs: try requiredTool("lttng", package: "lttng-tools"),
            try requiredTool("lttng-sessiond", package: "lttng-tools"), libraries + "/lttng/libexec/lttng-consumerd",
            libraries + "/liblttng-ust.so.1", libraries + "/liblttng-ust-tracepoint.so.1")
        try add(programs: try builtProduct("libdmascope-trace.so"))
        // Without it the daemon does not start.
        try archive.add(file: "/usr/share/xml/lttng/session.xsd")
    }

    /// Adds modules of the kernel as `/modules/NAME.ko.xz`.
    ///
    /// - Parameter paths: below `drivers`, without `.ko.xz`.
    public mutating func add(modules paths: String...) throws {
        for path in paths {
            let file = try GuestPackages.module(path)
            try archive.add(file: file, at: "/modules/" + URL(fileURLWithPath: file).lastPathComponent)
        }
    }

    /// Adds a file.
    public mutating func add(_ text: String, at path: String) {
        archive.add(Data(text.utf8), at: path, isExecutable: true)
    }

    /// Boots the guest, runs a script of busybox's shell in it, and ends it.
    ///
    /// - Parameter timeout: QEMU is killed after this time; also if this process ends before.
    /// - Throws: if the guest could not boot, or did not end in time, with the console's text.
    public func run(_ script: String, timeout: Duration = .seconds(150)) throws -> Outcome {
        let files = try TemporaryDirectory()
        var archive = self.archive
        archive.add(Data(script.utf8), at: "/script", isExecutable: true)
        let paths = ["root.cpio", "files.tar", "console", "output"].map { files.file("guest-" + $0) }
        try archive.finished().write(to: URL(fileURLWithPath: paths[0]))
        let emulator = try RunningProgram(
            // Also kills it if this process is killed and can no longer do so.
            "/usr/bin/timeout",
            ["--signal=KILL", "\(timeout.components.seconds)", GuestPackages.emulator]
                + Self.arguments(archive: paths[0], files: paths[1], console: paths[2], output: paths[3]),
            environment: GuestPackages.environment)
        emulator.closeInput()
        let result = try emulator.wait(timeout: timeout + .seconds(5))
        let (console, output) = (Self.text(paths[2]), Self.text(paths[3]))
        guard result.exit == .exited(0), let status = Self.status(in: output) else {
            throw TestSupportError("the guest failed: \(result)\nconsole: \(console)\noutput: \(output)")
        }
        try outputOfProgram("/bin/tar", ["-x", "-f", paths[1], "-C", files.path])
        for path in paths { unlink(path) }
        return Outcome(
            status: status.status, output: status.before, console: console, files: files)
    }

    private static func arguments(archive: String, files: String, console: String, output: String) -> [String] {
        GuestPackages.firmware.flatMap { ["-L", $0] } + [
            // With one processor in all, QEMU translates locked instructions into ones that are not atomic.
            "-M", "q35", "-cpu", "max", "-accel", "tcg", "-smp", "1,maxcpus=2", "-m", "768", "-nodefaults", "-display",
            "none", "-no-reboot", "-serial", "file:" + console, "-serial", "file:" + output,
            "-device", "virtio-serial-pci", "-chardev", "file,id=files,path=\(files)", "-device",
            "virtserialport,chardev=files",
            "-kernel", GuestPackages.kernel ?? "", "-initrd", archive,
            // cx16: QEMU 7.2 emulates the instruction in a way that crashes the kernel.
            "-append", "clearcpuid=cx16 console=ttyS0 quiet panic=-1 mitigations=off",
        ]
    }

    /// Never runs anywhere but as the first process of a guest.
    private static let initScript = """
        #!/bin/busybox sh
        [ $$ = 1 ] || exit 1
        /bin/busybox --install -s /bin
        export PATH=/bin:/sbin:/usr/bin:/usr/sbin HOME=/root
        mount -t proc proc /proc
        mount -t sysfs sysfs /sys
        mount -t debugfs debugfs /sys/kernel/debug
        mount -t devtmpfs devtmpfs /dev
        mkdir /dev/shm /var
        ln -s /run /var/run
        for directory in /dev/shm /run /tmp; do mount -t tmpfs tmpfs $directory; done
        ip link set lo up
        stty -F /dev/ttyS1 raw -echo
        sh /script >/dev/ttyS1 2>&1 </dev/null
        status=$?
        tar -c -f /dev/vport0p1 -C /out .
        echo "exit status $status" >/dev/ttyS1
        poweroff -f
        """

    /// The last line of the output, and what is before it.
    private static func status(in output: String) -> (status: Int32, before: String)? {
        guard let last = output.range(of: "exit status ", options: .backwards),
            let status = Int32(output[last.upperBound...].trimmingCharacters(in: .whitespacesAndNewlines))
        else { return nil }
        return (status, String(output[..<last.lowerBound]))
    }

    private static func text(_ path: String) -> String {
        String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    }
}
