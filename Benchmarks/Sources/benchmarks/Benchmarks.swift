import ArgumentParser
import CPeers
import Foundation

/// The program: measures, checks the budgets, reports.
@main
struct Benchmarks: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "benchmarks",
        abstract: "Measure dmascope and its peers, and check the results against budgets.",
        discussion: """
            Each measurement runs dmascope and its peers in turn, in many rounds, so that all have the same \
            conditions. It shows the median, the minimum and the maximum. A missing peer is skipped, with the reason. \
            If two processors work together, a probe before and after each round measures how far apart they are: \
            near, far, or mixed. Only rounds of one regime are compared.

            EXIT STATUS:
              0   no budget is missed; skipped and unclear ones are listed
              1   a measurement failed for another reason than a missing peer
              2   a budget is missed
              64  the arguments are wrong
            """)

    @Option(help: ArgumentHelp("Run only these measurements; --list shows them.", valueName: "name,…"))
    var only: String?
    @Flag(help: "List the measurements and the budgets, and measure nothing.")
    var list = false
    @Flag(help: "Fewer and shorter rounds: a functional check, not for numbers.")
    var quick = false
    @Flag(
        help: """
            Run with real-time priority (SCHED_RR), for a busy machine: other processes wait, up to a second at a \
            time. Needs root or CAP_SYS_NICE.
            """)
    var realtime = false
    @Option(help: ArgumentHelp("Write all results as JSON.", valueName: "file"))
    var json: String?
    @Option(help: ArgumentHelp("Write the lines of the measurement scale as an SVG picture.", valueName: "file"))
    var scale: String?
    @Option(
        help: ArgumentHelp(
            "The dmascope program to measure instead of the one built with the benchmarks.", valueName: "path"))
    var dmascope: String?

    private func chosen() throws -> [Measurement] {
        guard let only else { return Measurement.all }
        return try only.split(separator: ",").map { name in
            guard let measurement = Measurement.all.first(where: { $0.name == name }) else {
                throw ValidationError(
                    "--only \(name): there are \(Measurement.all.map(\.name).joined(separator: ", "))")
            }
            return measurement
        }
    }

    func validate() throws {
        _ = try chosen()
    }

    func run() throws {
        guard !list else { return Report.list() }
        Interruption.prepare()
        let setting: Setting
        do {
            if realtime { try Failure.check(cpeers_go_first(), "--realtime") }
            setting = try Setting(isQuick: quick, dmascope: dmascope)
        } catch {
            Report.reportError("\(error)")
            throw ExitCode(1)
        }
        let results = Results()
        Report.begin(setting)
        for measurement in try chosen() {
            Report.title(measurement)
            do {
                try measurement.run(Session(setting, results, measurement.name))
            } catch {
                results.fail(measurement.name, "\(error)")
                if Interruption.isSeen { break }
            }
        }
        setting.end()
        for name in Budget.unknownNames(try chosen(), results) {
            results.fail("budgets", "a budget names \(name), but no measurement has this result")
        }
        let outcomes = try Budget.all.filter { budget in
            try chosen().contains { measurement in
                budget.computation.keys.contains { $0.hasPrefix(measurement.name + "/") }
            }
        }.map { $0.check(results) }
        Report.end(outcomes, results)
        if let scale { try ScalePicture(results)?.write(to: scale) }
        if let json { try Report.write(outcomes, results, setting, to: json) }
        if !results.failures.isEmpty { throw ExitCode(1) }
        if outcomes.contains(where: { $0.verdict == .missed }) { throw ExitCode(2) }
    }
}
