import ArgumentParser
import Glibc
import LinuxSystem
import SystemPackage

/// `dmascope observe`
struct Observe: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a DPDK application so that its DMA devices are seen like those of dmascope.",
        discussion: """
            The application and its drivers need no change. Its devices stand in `dmascope list` and all other commands \
            under its file prefix with .dmascope appended. The program takes the place of this command: signals and the \
            exit status are its own.

            A library, libdmascope-dpdk.so, is loaded into the program: by LD_PRELOAD, or with --plugin as a plug-in of \
            DPDK's EAL (-d), which child processes do not inherit, and which works for programs with more rights than \
            their caller.
            """)

    @Flag(help: "Load the library with LD_PRELOAD; the default.")
    var preload = false
    @Flag(help: "Load the library with the EAL's option -d, put before the first -- of the arguments.")
    var plugin = false
    @Option(help: ArgumentHelp("The library, if it is not where dmascope is installed.", valueName: "path"))
    var library: String?
    @Flag(help: "Print the environment variable, or the EAL's arguments, for unit files and containers; start nothing.")
    var printEnvironment = false
    @Argument(
        parsing: .postTerminator, help: ArgumentHelp("After --: the program and its arguments.", valueName: "program"))
    var program: [String] = []

    func validate() throws {
        if preload, plugin { throw ValidationError("--preload and --plugin exclude each other") }
        if program.isEmpty, !printEnvironment { throw ValidationError("the program is missing: put it after --") }
    }

    func run() throws {
        let library = try libraryPath()
        if printEnvironment {
            try StandardStreams.print(plugin ? "-d \(library)" : "LD_PRELOAD=\(library)")
            return
        }
        let file = try ProgramToObserve(program[0])
        if let reason = plugin ? file.reasonAgainstPlugin : file.reasonAgainstPreload { throw Failure(reason) }
        var arguments = program
        if plugin {
            arguments.insert(contentsOf: ["-d", library], at: arguments.firstIndex(of: "--") ?? arguments.count)
        } else {
            // It stays the first of those that the caller preloads.
            let others = getenv("LD_PRELOAD").map { ":" + String(cString: $0) } ?? ""
            setenv("LD_PRELOAD", library + others, 1)
        }
        var words = arguments.map { strdup($0) } + [nil]
        execv(file.path, &words)
        throw Failure("cannot run \(file.path): \(Errno(rawValue: errno))")
    }

    /// Beside this program, or in the directory of libraries of its installation.
    private func libraryPath() throws -> String {
        let candidates: [String]
        if let library {
            candidates = [library]
        } else {
            let own = Self.absolute("/proc/self/exe").map { FilePath($0).removingLastComponent() } ?? "/usr/bin"
            candidates = [own, own.removingLastComponent().appending("lib")].map {
                $0.appending("libdmascope-dpdk.so").string
            }
        }
        for candidate in candidates {
            if let path = Self.absolute(candidate) { return path }
        }
        throw Failure(
            "there is no \(candidates.joined(separator: " and no ")): build it with scripts/dpdk-observer, or pass --library"
        )
    }

    private static func absolute(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}

/// The file of a program, and whether a library can be loaded into it.
struct ProgramToObserve {
    let path: String
    private let hasMoreRights: Bool
    private let isStatic: Bool

    /// - Parameter name: a path, or a name in the directories of PATH.
    init(_ name: String) throws {
        var places = [name]
        if !name.contains("/") {
            places = (getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin").split(separator: ":").map {
                "\($0)/\(name)"
            }
        }
        guard let found = places.first(where: { access($0, X_OK) == 0 }) else {
            throw Failure("cannot run \(name): \(Errno(rawValue: errno))")
        }
        path = found
        var status = stat()
        hasMoreRights = stat(found, &status) == 0 && status.st_mode & (S_ISUID | S_ISGID) != 0
        isStatic = Self.isStatic(found)
    }

    /// Why LD_PRELOAD does nothing; `nil`: it works.
    var reasonAgainstPreload: String? {
        if hasMoreRights {
            return "\(path) has more rights than its caller, so the loader ignores LD_PRELOAD: use --plugin"
        }
        return reasonAgainstPlugin
    }

    var reasonAgainstPlugin: String? {
        isStatic
            ? "\(path) is linked statically, so no library can be loaded into it: link it with DPDK's shared libraries"
            : nil
    }

    /// Whether it is an ELF program without a loader. A script is none.
    private static func isStatic(_ path: String) -> Bool {
        guard let file = try? FileDescriptor.open(path, .readOnly, options: .closeOnExec) else { return false }
        defer { try? file.close() }
        var bytes = [UInt8](repeating: 0, count: 4096)
        guard let count = try? bytes.withUnsafeMutableBytes({ try file.read(into: $0) }), count >= 64,
            bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46, 2])
        else { return false }
        func number(_ offset: Int, _ size: Int) -> Int {
            guard offset >= 0, offset <= count - size else { return 0 }
            return (0..<size).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) }
        }
        // e_phoff, e_phentsize, e_phnum; PT_INTERP is 3.
        let (table, size) = (number(32, 4), number(54, 2))
        return !(0..<number(56, 2)).contains { number(table + $0 * size, 4) == 3 }
    }
}
