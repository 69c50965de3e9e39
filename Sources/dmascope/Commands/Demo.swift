import ArgumentParser

/// `dmascope demo`
struct Demo: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Demonstrate what a controller does, with processes of its own.",
        subcommands: [DemoPair.self, DemoMember.self])
}
