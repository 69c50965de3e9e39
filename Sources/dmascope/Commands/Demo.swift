import ArgumentParser

/// `dmascope demo`
struct Demo: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Demonstrate the controller with example processes, and dma-bufs.",
        subcommands: [DemoPair.self, DemoDMABuf.self, DemoMember.self])
}
