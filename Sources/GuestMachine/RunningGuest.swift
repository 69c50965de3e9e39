internal import Glibc
internal import LinuxSystem
internal import SystemPackage

/// A guest that runs, or has ended. It is killed when the last reference goes, and when the thread that has started it
/// ends. For one thread at a time.
public final class RunningGuest {
    private let process: ChildProcess
    private let output: OwnedDescriptor
    private let input: OwnedDescriptor
    private let ports: Ports
    private let deadline: MonotonicTime
    private let timeout: Duration

    /// What the guest writes besides the output, in files in memory.
    private final class Ports {
        /// Messages of the emulator.
        let messages: OwnedDescriptor
        /// What the kernel and `/init` write.
        let console: OwnedDescriptor
        let errors: OwnedDescriptor
        let files: OwnedDescriptor

        init() throws(Errno) {
            messages = try MemoryFile.make(name: "messages", byteCount: 0)
            console = try MemoryFile.make(name: "console", byteCount: 0)
            errors = try MemoryFile.make(name: "errors", byteCount: 0)
            files = try MemoryFile.make(name: "files", byteCount: 0)
        }
    }

    init(_ parts: GuestParts, archive: CInt, _ share: Guest.Share?, timeout: Duration) throws(GuestError) {
        do throws(Errno) {
            let null = OwnedDescriptor(adopting: try tryingSystemCall { open("/dev/null", O_RDONLY | O_CLOEXEC) })
            // Opened here: the path may be of a descriptor of this process.
            let memory = OwnedDescriptor(
                adopting: try tryingSystemCall { open(share?.memory ?? "/dev/null", O_RDWR | O_CLOEXEC) })
            let pipe = try AnonymousPipe()
            let inputs = try StreamSocket.pair().release()
            input = OwnedDescriptor(adopting: inputs.first)
            let guestInput = OwnedDescriptor(adopting: inputs.second)
            let ports = try Ports()
            process = try ChildProcess(
                Self.launcher,
                [Self.launcher, "--pdeathsig", "KILL", parts.emulator] + Self.arguments(parts) + Self.arguments(share),
                environment: parts.environment,
                descriptors: [
                    null.raw, pipe.writing.raw, ports.messages.raw, archive, ports.console.raw, ports.errors.raw,
                    ports.files.raw, guestInput.raw, memory.raw,
                ])
            output = pipe.reading
            self.ports = ports
        } catch {
            throw GuestError("\(parts.emulator) cannot be started: \(error)")
        }
        self.timeout = timeout
        deadline = MonotonicTime.now.advanced(by: timeout)
    }

    /// The next part of what the script writes to its standard output; empty if there is none yet; `nil` if the guest
    /// has ended.
    ///
    /// - Parameter milliseconds: how long it waits.
    /// - Throws: ``GuestError`` if the time for the guest is over; it is killed then.
    public func nextOutput(within milliseconds: Int32) throws(GuestError) -> [UInt8]? {
        guard MonotonicTime.now < deadline else {
            process.end()
            throw GuestError(
                "the virtual machine did not end within \(timeout.components.seconds) s: \(report)", isTimeout: true)
        }
        var watched = pollfd(fd: output.raw, events: Int16(POLLIN), revents: 0)
        guard poll(&watched, 1, min(milliseconds, deadline.millisecondsLeft)) > 0 else { return [] }
        let part = [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
            count = max(Glibc.read(output.raw, buffer.baseAddress, buffer.count), 0)
        }
        return part.isEmpty ? nil : part
    }

    /// Writes to the port from which the script reads. It waits while the port is full.
    ///
    /// - Throws: ``GuestError`` if the guest has ended.
    public func write(_ text: String) throws(GuestError) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(input.raw, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
            guard count > 0 || errno == EINTR else {
                throw GuestError("the virtual machine takes no input: \(Errno(rawValue: errno))")
            }
            rest = rest.dropFirst(max(count, 0))
        }
    }

    /// What the script has left, when the guest has ended.
    public struct Outcome {
        /// Its exit status.
        public let status: Int32
        /// What it has written to its standard error.
        public let errors: String
        /// What the kernel has written.
        public let console: String
        /// The files in `/out`, in an archive of `tar`; empty if the kernel has no virtio console.
        public let files: [UInt8]
    }

    /// Waits until the guest has ended.
    ///
    /// - Throws: ``GuestError`` if it did not boot, or ended before its script did.
    public func outcome() throws(GuestError) -> Outcome {
        while try nextOutput(within: .max) != nil {}
        let (errors, marker) = (Self.text(ports.errors.raw), "exit status ")
        // The last word; what the script has written may have no line end.
        let place = errors.lastIndex(of: " ").map { errors.index(after: $0) } ?? errors.endIndex
        guard process.wait() == 0, errors[..<place].hasSuffix(marker), errors.hasSuffix("\n"),
            let status = Int32(errors[place...].dropLast())
        else { throw GuestError("the virtual machine failed: \(report)") }
        return Outcome(
            status: status, errors: String(errors[..<place].dropLast(marker.count)),
            console: Self.text(ports.console.raw), files: (try? ProgramFile.contents(of: ports.files.raw)) ?? [])
    }

    private var report: String {
        let text = [ports.messages.raw, ports.console.raw, ports.errors.raw].map(Self.text).joined()
        return String(text.reversed().drop { $0.isWhitespace }.reversed())
    }

    private static func text(_ file: CInt) -> String {
        String(decoding: (try? ProgramFile.contents(of: file)) ?? [], as: UTF8.self)
    }

    /// Kills the emulator also when this process is killed.
    private static let launcher = "/usr/bin/setpriv"

    /// The port follows that of the files.
    private static func arguments(_ share: Guest.Share?) -> [String] {
        guard let share else { return [] }
        return [
            "-object", "memory-backend-file,id=shared,share=on,mem-path=/dev/fd/8,size=\(share.byteCount)",
            "-device", "ivshmem-plain,memdev=shared", "-chardev",
            "socket,id=channel,path=\(share.channel),server=on,wait=off", "-device",
            "virtserialport,chardev=channel,name=dmascope",
        ]
    }

    /// The numbers of descriptors are those of `init`.
    private static func arguments(_ parts: GuestParts) -> [String] {
        parts.firmware + [
            // With one processor in all, QEMU translates locked instructions into ones that are not atomic.
            "-M", "q35", "-cpu", "max", "-accel", "tcg", "-smp", "1,maxcpus=2", "-m", "768", "-nodefaults", "-display",
            "none", "-no-reboot", "-serial", "file:/dev/fd/4", "-serial", "file:/dev/fd/1", "-serial", "file:/dev/fd/5",
            "-device", "virtio-serial-pci", "-chardev", "file,id=files,path=/dev/fd/6", "-device",
            "virtserialport,chardev=files", "-chardev", "socket,id=input,fd=7", "-device",
            "virtserialport,chardev=input,nr=3", "-kernel", parts.kernel, "-initrd", "/dev/fd/3",
            // cx16: QEMU 7.2 emulates the instruction in a way that crashes the kernel.
            // no_timer_check: on a busy machine the emulated timer is late, which the kernel takes for a broken one.
            "-append", "clearcpuid=cx16 no_timer_check console=ttyS0 quiet panic=-1 mitigations=off",
        ]
    }
}
