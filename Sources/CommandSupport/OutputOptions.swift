import ArgumentParser
import TelemetryWire

package struct OutputOptions: ParsableArguments {
    @Flag(help: "Print JSON on one line instead of text.")
    package var json = false

    package init() {}

    /// Prints JSON or text, depending on `--json`.
    package func print(json tree: @autoclosure () -> JSONTree, text: @autoclosure () -> String) throws(Failure) {
        try StandardStreams.print(json ? JSONOutput.compact(tree()) : text())
    }

    /// Prints JSON or a table, depending on `--json`.
    ///
    /// - Parameter sentence: the text for a table without rows: why there are none, or what to do.
    package func print(json tree: @autoclosure () -> JSONTree, table: TextTable, ifEmpty sentence: String)
        throws(Failure)
    {
        try print(
            json: tree(), text: table.isEmpty ? sentence : table.text(bold: StandardStreams.outputTakesColor))
    }
}
