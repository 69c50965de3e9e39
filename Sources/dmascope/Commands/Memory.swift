import ArgumentParser

/// `dmascope memory`
struct Memory: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the dma-bufs of this machine.",
        discussion: """
            A dma-buf is memory that processes and drivers share by file descriptor. The buffers are found in /proc, and \
            in the kernel's lists in /sys: no process has to serve telemetry. The superuser sees all of them, other users \
            those of their own processes.
            """,
        subcommands: [MemoryList.self, MemoryShow.self])
}
