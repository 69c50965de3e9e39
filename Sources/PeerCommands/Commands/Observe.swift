import ArgumentParser
import CommandSupport
import Glibc
import LinuxSystem
import ObservedCounters
import SystemPackage
import TelemetryClient
import TelemetryWire

/// `dmascope observe`
struct Observe: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "observe",
        abstract: "Run a DPDK application so that its DMA devices are seen like those of dmascope.",
        discussion: """
            The application and its drivers need no change. Its devices stand in `dmascope list` and all other commands \
            under its file prefix with .dmascope appended, marked observed. Signals are passed to the program, and the \
            exit status is its own. If a signal kills it or a process that it has started, what the devices did until \
            then is printed on standard error.

            A library, libdmascope-dpdk.so, is loaded into the program: by LD_PRELOAD, or with --plugin as a plug-in of \
            DPDK's EAL (-d), which child processes do not inherit, and which works for programs with more rights than \
            their caller.

            --ended is for programs that were started with the variable of --print-environment: it prints what those \
            have done that were killed, and removes their files, which `dmascope ps` shows as ended.
            """)

    @Flag(help: "Load the library with LD_PRELOAD; the default.")
    var preload = false
    @Flag(help: "Load the library with the EAL's option -d, put before the first -- of the arguments.")
    var plugin = false
    @Option(help: ArgumentHelp("The library, if it is not where dmascope is installed.", valueName: "path"))
    var library: String?
    @Flag(help: "Print the environment variable, or the EAL's arguments, for unit files and containers; start nothing.")
    var printEnvironment = false
    @Flag(help: "Print what the devices of killed programs did, and remove the programs' files; start nothing.")
    var ended = false
    @OptionGroup var output: OutputOptions
    @Argument(
        parsing: .postTerminator, help: ArgumentHelp("After --: the program and its arguments.", valueName: "program"))
    var program: [String] = []

    func validate() throws {
        if preload, plugin { throw ValidationError("--preload and --plugin exclude each other") }
        if program.isEmpty, !printEnvironment, !ended {
            throw ValidationError("the program is missing: put it after --")
        }
        if ended, printEnvironment || !program.isEmpty { throw ValidationError("--ended starts no program") }
        if output.json, !ended { throw ValidationError("--json is for --ended") }
    }

    func run() throws {
        if ended { return try showEnded() }
        let library = try libraryPath()
        if printEnvironment {
            try StandardStreams.print(plugin ? "-d \(library)" : "LD_PRELOAD=\(library)")
            return
        }
        let file = try ProgramToObserve(program[0])
        if let reason = plugin ? file.reasonAgainstPlugin : file.reasonAgainstPreload { throw Failure(reason) }
        var arguments = program
        var environment = ["\(CountersFile.sessionVariable)=\(getpid())"]
        if plugin {
            arguments.insert(contentsOf: ["-d", library], at: arguments.firstIndex(of: "--") ?? arguments.count)
        } else {
            // It stays the first of those that the caller preloads.
            let others = getenv("LD_PRELOAD").map { ":" + String(cString: $0) } ?? ""
            environment.append("LD_PRELOAD=\(library)\(others)")
        }
        let start = Ticks.now
        let running: ForegroundProgram
        do throws(Errno) {
            running = try ForegroundProgram(file.path, arguments, environment: environment)
        } catch {
            throw Failure("cannot run \(file.path): \(error)")
        }
        let end = running.wait()
        let files = EndedPrograms(TelemetryTrust()).started(by: getpid(), since: start)
        for file in files { file.remove() }
        switch end {
        // Any number may be the program's, also those that have a meaning for this one.
        case .exited(let status):
            if !files.isEmpty {
                StandardStreams.reportError("processes of \(program[0]) were killed; their devices did until then:")
                StandardStreams.show(EndedPrograms.table(files).text(bold: false) + "\n")
            }
            Glibc.exit(status)
        case .killed(let number):
            let name = String(cString: strsignal(number))
            let devices = files.isEmpty ? "no device of it was observed" : "its devices did until then:"
            let what = "\(program[0]) (pid \(running.pid)) was ended by signal \(number), \(name)"
            StandardStreams.reportError("\(what); \(devices)")
            if !files.isEmpty { StandardStreams.show(EndedPrograms.table(files).text(bold: false) + "\n") }
            ForegroundProgram.end(by: number)
        }
    }

    private func showEnded() throws {
        let found = EndedPrograms(TelemetryTrust())
        for failure in found.failures { StandardStreams.warn("\(failure)") }
        let text =
            found.files.isEmpty
            ? "no observed program was killed"
            : EndedPrograms.table(found.files).text(bold: StandardStreams.outputTakesColor)
        try output.print(json: .array(found.files.map(EndedPrograms.json)), text: text)
        for file in found.files { file.remove() }
    }

    /// Beside this program, in the directory of libraries of its installation, where Debian's package has it, or where
    /// `make install` puts it.
    private func libraryPath() throws -> String {
        let candidates: [String]
        if let library {
            candidates = [library]
        } else {
            let own = Self.absolute("/proc/self/exe").map { FilePath($0).removingLastComponent() } ?? "/usr/bin"
            let libraries = own.removingLastComponent().appending("lib")
            candidates = [own, libraries, libraries.appending("dmascope"), "/usr/local/lib"].map {
                $0.appending("libdmascope-dpdk.so").string
            }
        }
        for candidate in candidates {
            if let path = Self.absolute(candidate) { return path }
        }
        throw Failure(
            "there is no \(candidates.joined(separator: " and no ")): install it with `make install` or the package dmascope, or pass --library"
        )
    }

    private static func absolute(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
