import CommandSupport
import Glibc
import LinuxSystem
import SystemPackage

/// Where the results of `stat` go: a file, standard error beside a program, or standard output.
final class StatDestination {
    private enum Place {
        case file(FileDescriptor, path: String)
        case standardOutput, standardError
    }

    private let place: Place

    /// - Throws: if the file cannot be created.
    init(file path: String?, hasProgram: Bool) throws(Failure) {
        guard let path else {
            place = hasProgram ? .standardError : .standardOutput
            return
        }
        do {
            place = .file(
                try FileDescriptor.open(
                    path, .writeOnly, options: [.create, .truncate, .closeOnExec],
                    permissions: FilePermissions(rawValue: 0o644)), path: path)
        } catch {
            throw Failure("cannot write \(path): \(error): choose a file in a directory that you can write to")
        }
    }

    deinit {
        if case .file(let file, _) = place { try? file.close() }
    }

    func write(_ report: StatReport, asJSON: Bool) throws(Failure) {
        func text(bold: Bool) -> String {
            asJSON ? JSONOutput.compact(report.json) + "\n" : report.text(bold: bold)
        }
        switch place {
        case .standardOutput: try StandardStreams.print(text(bold: StandardStreams.outputTakesColor), terminator: "")
        case .standardError: StandardStreams.show(text(bold: false))
        case .file(let file, let path):
            do {
                try file.writeAll(text(bold: false).utf8)
            } catch {
                throw Failure("cannot write \(path): \(error): choose a file in a directory that you can write to")
            }
        }
    }
}
