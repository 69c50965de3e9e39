import ArgumentParser

/// The subcommands of this module, for the program's table.
package enum CopySubcommands {
    package static var copy: any ParsableCommand.Type { Copy.self }
    package static var demo: any ParsableCommand.Type { Demo.self }
    package static var bench: any ParsableCommand.Type { Bench.self }
}
