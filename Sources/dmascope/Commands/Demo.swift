import ArgumentParser

/// `dmascope demo`
struct Demo: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Demonstrate the controller with example processes.",
        subcommands: [DemoPair.self, DemoMember.self])
}
