import ArgumentParser
import TelemetryWire

struct OutputOptions: ParsableArguments {
    @Flag(help: "Print JSON on one line instead of text.")
    var json = false

    /// Prints JSON or text, depending on `--json`.
    func print(json tree: @autoclosure () -> JSONTree, text: @autoclosure () -> String) throws(Failure) {
        try StandardStreams.print(json ? JSONOutput.compact(tree()) : text())
    }

    /// Prints JSON or a table, depending on `--json`.
    func print(json tree: @autoclosure () -> JSONTree, table: TextTable) throws(Failure) {
        try print(json: tree(), text: table.text(bold: StandardStreams.outputTakesColor))
    }
}
