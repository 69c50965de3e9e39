import ArgumentParser

/// The subcommands of this module, for the program's table.
package enum PeerSubcommands {
    package static var ps: any ParsableCommand.Type { Ps.self }
    package static var list: any ParsableCommand.Type { List.self }
    package static var info: any ParsableCommand.Type { Info.self }
    package static var stats: any ParsableCommand.Type { Stats.self }
    package static var stat: any ParsableCommand.Type { Stat.self }
    package static var vchans: any ParsableCommand.Type { Vchans.self }
    package static var top: any ParsableCommand.Type { Top.self }
    package static var metrics: any ParsableCommand.Type { Metrics.self }
    package static var check: any ParsableCommand.Type { Check.self }
    package static var observe: any ParsableCommand.Type { Observe.self }
    package static var errors: any ParsableCommand.Type { Errors.self }
    package static var group: any ParsableCommand.Type { Group.self }
    package static var memory: any ParsableCommand.Type { Memory.self }
    package static var query: any ParsableCommand.Type { Query.self }
}
