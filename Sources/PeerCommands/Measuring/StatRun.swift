import CommandSupport
import LinuxSystem
import MetricsExporter
import TelemetryClient

/// A measurement: readings of all sources from before a program starts until after its end, and their reports.
final class StatRun {
    private let finder: SourceFinder
    private let timeout: Duration
    private let selector: TelemetrySourceSelector?
    private let destination: StatDestination
    private let asJSON: Bool
    private var account = StatAccount()
    /// The begin of the present interval, in seconds.
    private var from = 0.0

    /// Takes the first reading.
    init(
        _ finder: SourceFinder, timeout: Duration, selector: TelemetrySourceSelector?, destination: StatDestination,
        asJSON: Bool
    ) throws(Failure) {
        self.finder = finder
        self.timeout = timeout
        self.selector = selector
        self.destination = destination
        self.asJSON = asJSON
        try read()
    }

    /// Takes readings until the program ends, or without one until a signal asks for the end, and reports each interval
    /// and the total.
    func measure(
        _ program: MeasuredProgram?, _ signals: StatSignals, period: Duration, interval: Duration?
    ) throws(Failure) {
        var schedule = StatSchedule(period: period, interval: interval)
        var problem: Failure?
        while true {
            let deadline = problem == nil ? schedule.next : MonotonicTime.now.advanced(by: .seconds(3600))
            guard let event = signals.wait(until: deadline) else {
                if problem != nil { continue }
                do throws(Failure) {
                    try read(schedule.due, &schedule, program)
                } catch {
                    // The program goes on until it ends: it must not fail because of the measurement.
                    guard program != nil else { throw error }
                    problem = error
                }
                continue
            }
            guard let program else { break }
            switch event {
            case .signal(let number, let isFromTerminal):
                if !isFromTerminal { program.send(number) }
            case .child: break
            }
            if program.hasEnded { break }
        }
        if let problem { throw problem }
        let end = MonotonicTime.now
        try read()
        if interval != nil { try report(.interval) }
        try report(
            .total, program.map { ($0.words, $0.exitStatus(), Double(end.nanoseconds(since: $0.start)) / 1e9) })
    }

    private func read(
        _ due: StatSchedule.Reading, _ schedule: inout StatSchedule, _ program: MeasuredProgram?
    ) throws(Failure) {
        try schedule.measure(due) { () throws(Failure) in
            var left: Set<TelemetrySource> = due == .brief ? account.steadySources(program: program?.pid) : []
            if due != .interval { left.formUnion(account.slow) }
            try read(without: left)
        }
        if due == .interval { try report(.interval) }
    }

    private func read(without left: Set<TelemetrySource> = []) throws(Failure) {
        let isAsked = { [selector] (name: TelemetrySource) in
            !left.contains(name) && (selector?.includes(name) ?? true)
        }
        do throws(TelemetryClientError) {
            let answers = try finder.query(timeout: timeout, where: isAsked) { _ in StatVisitor() }
            account.take(answers.walks, isAsked: isAsked)
        } catch {
            throw Failure("cannot read the telemetry sockets: \(error.reason): end other processes")
        }
    }

    private func report(
        _ part: StatReport.Part, _ program: (words: [String], exitStatus: Int32, seconds: Double)? = nil
    ) throws(Failure) {
        let to = account.seconds(.now)
        let report = StatReport(
            part: part, from: part == .total ? 0 : from, to: to, program: program, account: account)
        try destination.write(report, asJSON: asJSON)
        account.beginInterval()
        from = to
    }
}
