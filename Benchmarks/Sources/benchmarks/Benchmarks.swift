import ArgumentParser
import CPeers
import Foundation

/// The program: measures, judges, tells.
@main
struct Benchmarks: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "benchmarks",
        abstract: "Measure dmascope beside its peers, and judge it by its budgets.",
        discussion: """
            Each measurement runs dmascope and its peers in turn, again and again, so that all see the same machine; \
            what is shown is the median, with the least and the greatest. A peer that is not there is skipped with its \
            reason. Where two processors work together, a probe before and after each round tells how far apart they \
            are: near, far, or mixed. Only rounds of one regime are compared.

            EXIT STATUS:
              0   no budget is missed; skipped and unclear ones are named
              1   something could not be measured for another reason than a missing peer
              2   a budget is missed
              64  the arguments are wrong
            """)

    @Option(help: ArgumentHelp("Only these measurements; --list shows them.", valueName: "name,…"))
    var only: String?
    @Flag(help: "List the measurements and the budgets, and measure nothing.")
    var list = false
    @Flag(help: "Fewer and shorter rounds: to see that all works, not for numbers.")
    var quick = false
    @Flag(
        help: """
            Go before everything else on the machine (SCHED_RR), which other work then waits for, a second at a time; \
            for a busy machine. Needs root or CAP_SYS_NICE.
            """)
    var realtime = false
    @Option(help: ArgumentHelp("Write everything that was measured, as JSON.", valueName: "file"))
    var json: String?
    @Option(help: ArgumentHelp("Another dmascope program than the one that was built with this.", valueName: "path"))
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
            Report.complain("\(error)")
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
            results.fail("budgets", "\(name) is named by one, and nothing has measured it")
        }
        let judgements = try Budget.all.filter { budget in
            try chosen().contains { measurement in
                budget.computation.keys.contains { $0.hasPrefix(measurement.name + "/") }
            }
        }.map { $0.judge(results) }
        Report.end(judgements, results)
        if let json { try Report.write(judgements, results, setting, to: json) }
        if !results.failures.isEmpty { throw ExitCode(1) }
        if judgements.contains(where: { $0.verdict == .missed }) { throw ExitCode(2) }
    }
}
