internal import Glibc
internal import LinuxSystem
internal import SystemPackage

/// A virtual machine that boots Debian's kernel, for what the kernel of this machine may not have, such as dma-bufs.
///
/// QEMU translates its instructions (TCG), so that it runs where KVM does not; it is ten to thirty times slower than the
/// machine. All of its files are in memory, those of the programs at the same paths as on this machine.
public final class Guest {
    /// What it is made of.
    public let parts: GuestParts
    /// What it shares with this machine; `nil`: nothing.
    public var share: Share?
    private var archive: RootArchive

    /// Memory and a byte stream that a guest shares with this machine: a PCI device (ivshmem) and a virtio port named
    /// `dmascope`.
    public struct Share: Sendable {
        /// The path of a file with the memory.
        public var memory: String
        /// The length of that file: a power of two.
        public var byteCount: Int
        /// The path of the Unix socket that the emulator listens on.
        public var channel: String

        /// Both are of one guest only.
        public init(memory: String, byteCount: Int, channel: String) {
            self.memory = memory
            self.byteCount = byteCount
            self.channel = channel
        }
    }

    /// A guest with busybox and the directories that its kernel fills.
    public init(_ parts: GuestParts) throws(GuestError) {
        self.parts = parts
        do throws(Errno) {
            archive = try RootArchive()
        } catch {
            throw GuestError("a file in memory cannot be made: \(error)")
        }
        try archiving { archive throws(Errno) in
            for directory in ["dev", "out", "proc", "run", "sys", "tmp", "root", "usr/bin", "usr/sbin", "sbin"] {
                try archive.addDirectory("/" + directory)
            }
        }
        try add(program: parts.shell, at: "/bin/busybox")
        try add("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n", at: "/etc/passwd")
        try add("root:x:0:\nnogroup:x:65534:\n", at: "/etc/group")
        try add(Self.initScript, at: "/init")
    }

    /// Adds a text file, which may be executed.
    public func add(_ text: String, at path: String) throws(GuestError) {
        try archiving { archive throws(Errno) in try archive.add(Array(text.utf8), at: path, isExecutable: true) }
    }

    /// Adds a file of this machine, under the same path if no other is given. Of a symbolic link, it adds what the link
    /// points to.
    public func add(file: String, at path: String? = nil) throws(GuestError) {
        try add(file, at: path ?? file) { $0 }
    }

    /// Adds a program or a shared library of this machine, without debugging information, and all libraries that it
    /// links.
    public func add(program: String, at path: String? = nil) throws(GuestError) {
        try add(program, at: path ?? program, ProgramFile.loadedPart)
        for library in try ProgramFile.libraries(of: program) {
            try add(library, at: library, ProgramFile.loadedPart)
        }
    }

    /// Adds the program that this process runs, as ``add(program:at:)`` does.
    public func addOwnProgram(at path: String) throws(GuestError) {
        try add(program: ProgramFile.ownPath, at: path)
    }

    /// Boots it and runs a script of busybox's shell in it. Then it ends. Once only.
    ///
    /// - Parameters:
    ///   - script: its standard input is empty.
    ///   - timeout: the guest is killed after this time.
    public func start(_ script: String, timeout: Duration = .seconds(150)) throws(GuestError) -> RunningGuest {
        try add(script, at: "/script")
        try archiving { archive throws(Errno) in try archive.finish() }
        return try RunningGuest(parts, archive: archive.file.raw, share, timeout: timeout)
    }

    private func add(
        _ file: String, at path: String, _ part: ([UInt8]) -> [UInt8]
    ) throws(GuestError) {
        guard !archive.contains(path) else { return }
        let content = part(try ProgramFile.contents(of: file))
        let isExecutable = access(file, X_OK) == 0
        try archiving { archive throws(Errno) in try archive.add(content, at: path, isExecutable: isExecutable) }
    }

    private func archiving(_ body: (inout RootArchive) throws(Errno) -> Void) throws(GuestError) {
        do throws(Errno) {
            try body(&archive)
        } catch {
            throw GuestError("the files of the virtual machine do not fit into memory: \(error)")
        }
    }

    /// Never runs anywhere but as the first process of a guest. The ports are those of `RunningGuest`.
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
        for directory in /dev/shm /run; do mount -t tmpfs tmpfs $directory; done
        ip link set lo up
        for port in /dev/ttyS1 /dev/ttyS2; do stty -F $port raw -echo; done
        sh /script >/dev/ttyS1 2>/dev/ttyS2 </dev/null
        status=$?
        tar -c -f /dev/vport0p1 -C /out .
        echo "exit status $status" >/dev/ttyS2
        # The emulator writes the last bytes of a port a little later, and on a busy machine not before it has ended.
        sleep 0.3
        poweroff -f
        """
}
