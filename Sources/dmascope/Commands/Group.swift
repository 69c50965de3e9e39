import ArgumentParser

/// `dmascope group`
struct Group: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the access groups of a process's devices.",
        discussion: """
            Access groups say which processes reach whose memory. What is shown is what the target knows: the groups \
            that its devices are in, their members, and what befell them. Never a token. DPDK applications do not tell.
            """,
        subcommands: [GroupList.self, GroupShow.self, GroupEvents.self])
}
