import ArgumentParser

/// The subcommands of this module, for the program's table.
package enum TraceSubcommands {
    package static var trace: any ParsableCommand.Type { Trace.self }
    package static var audit: any ParsableCommand.Type { Audit.self }
}
