import ArgumentParser
import TelemetryWire

/// How a command shows its result.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Print JSON, in one line, instead of text for people.")
    var json = false

    /// Prints the one or the other.
    func print(json tree: @autoclosure () -> JSONTree, text: @autoclosure () -> String) throws(Failure) {
        try StandardStreams.print(json ? JSONOutput.compact(tree()) : text())
    }

    /// Prints a table, or JSON.
    func print(json tree: @autoclosure () -> JSONTree, table: TextTable) throws(Failure) {
        try print(json: tree(), text: table.text(bold: StandardStreams.outputTakesColor))
    }
}
