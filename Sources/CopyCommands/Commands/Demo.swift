import ArgumentParser

/// `dmascope demo`
struct Demo: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Demonstrate the controller with example processes and guests, and dma-bufs.",
        subcommands: [DemoPair.self, DemoDMABuf.self, DemoOS.self, DemoMember.self, DemoOSMember.self])
}
