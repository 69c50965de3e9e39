import Foundation

/// Processes with telemetry sources, each of which is a server with a socket, a registry and a device of its own.
final class SourceProcesses {
    /// The run directory of the sources.
    let directory: String
    private let channelCount: Int
    private var processes: [Child] = []
    /// Those that have said that they are ready.
    private var readyCount = 0
    private(set) var count = 0

    /// - Parameter name: of the run directory.
    init(_ setting: Setting, _ name: String, channelCount: Int) throws(Failure) {
        directory = "\(setting.directory)/\(name)"
        self.channelCount = channelCount
        try Failure.check(mkdir(directory, 0o700) == 0 ? 0 : errno, directory)
    }

    /// Starts more sources until there are so many.
    func grow(to wanted: Int) throws(Failure) {
        // Processes of at most 100 sources, which is as many threads.
        while count < wanted {
            let more = min(wanted - count, 100)
            let process = try Child([
                Setting.built("source-server"), directory, "\(count)", "\(more)", "\(channelCount)",
            ])
            processes.append(process)
            count += more
        }
        for process in processes.dropFirst(readyCount) {
            guard try process.line() == "ready" else { throw Failure("the sources do not start") }
            readyCount += 1
        }
    }

    func end() {
        for process in processes { process.end() }
    }
}
