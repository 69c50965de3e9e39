import ArgumentParser
import CommandSupport
import TelemetryWire

/// `dmascope demo os`
struct DemoOS: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "os",
        abstract: "Show step by step how this machine and two guests move a file between each other.",
        discussion: """
            Starts two virtual machines. Each shares one file of memory and one channel with this machine, and nothing with \
            the other. In each, `dmascope serve` passes what a process there sends to a controller in this process. This \
            machine and both guests join one access group; the file moves from here to the first guest, from there to the \
            second one, and back, and all bytes are compared. At the end the first guest is killed, and the others receive \
            an event.

            It needs qemu-system-x86_64 and busybox in PATH (Debian's packages qemu-system-x86 and busybox-static) and a \
            kernel. In a checkout, scripts/fetch-packages guest fetches all three. It takes about half a minute.
            """)

    @Option(help: ArgumentHelp("The file to move, of at most 16 MiB. The default is random bytes.", valueName: "path"))
    var file: String?

    @Option(help: ArgumentHelp("The number of random bytes, 1 to 16M; K and M are units.", valueName: "size"))
    var size: ByteCount?

    @Option(
        help: ArgumentHelp(
            "The kernel of the virtual machines, as /boot/vmlinuz-6.12… of Debian's package linux-image-6.12-amd64. The "
                + "default is the one that scripts/fetch-packages guest has fetched.", valueName: "path"))
    var kernel: String?

    @OptionGroup var output: OutputOptions

    private static let largest = 16 << 20

    func validate() throws {
        guard file == nil || size == nil else {
            throw ValidationError("--file and --size exclude each other: a file has its own size")
        }
        guard (1...Self.largest).contains((size ?? ByteCount(1)).bytes) else {
            throw ValidationError("--size takes 1 to 16M bytes")
        }
    }

    func run() throws {
        let termination = Termination()
        let data = try file.map { try DemoData.file($0) } ?? DemoData.random(size ?? ByteCount(4 << 20))
        guard data.byteCount <= Self.largest else {
            throw Failure("\(data.name) has \(data.byteCount) bytes: choose a file of at most 16 MiB")
        }
        var report = DemoReport(isShown: !output.json)
        try DemoOSRun(data, kernel: kernel, termination).run(&report)
        if output.json { try StandardStreams.print(JSONOutput.compact(report.tree)) }
    }
}
