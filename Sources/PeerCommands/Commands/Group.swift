import ArgumentParser

/// `dmascope group`
struct Group: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "group",
        abstract: "Show the access groups of a process's devices.",
        discussion: """
            Members of an access group can access each other's memory windows. The target reports the groups of its \
            devices, their members and their events, but never a token. DPDK applications do not report groups.
            """,
        subcommands: [GroupList.self, GroupShow.self, GroupEvents.self])
}
