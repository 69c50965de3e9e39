import ArgumentParser

/// `dmascope memory`
struct Memory: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "memory",
        abstract: "Show the dma-bufs of this machine, and the external memory of processes.",
        discussion: """
            A dma-buf is memory that processes and drivers share by file descriptor. The buffers are found in /proc, and \
            in the kernel's lists in /sys: no process has to serve telemetry. The superuser sees all of them, other users \
            those of their own processes.

            Regions and attachments are what the processes with telemetry sockets report: memory that they registered, and \
            importers, as devices, that use the buffers of exporters. A region of a dma-buf has the buffer's inode number.
            """,
        subcommands: [MemoryList.self, MemoryShow.self])
}
