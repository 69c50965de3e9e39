import CPeers
import Foundation

/// `dmascope serve` without a controller, which reads the sources in one run directory, and requests to it.
final class Scraper {
    private let child: Child
    private let socketPath: String
    private let sources: SourceProcesses

    init(_ setting: Setting, _ sources: SourceProcesses) throws(Failure) {
        self.sources = sources
        socketPath = "\(sources.directory)/http"
        child = try Child(
            [
                "setpriv", "--pdeathsig", "TERM", setting.dmascope, "serve", "--no-controller", "--file-prefix",
                "scraper", "--listen", "unix:\(socketPath)", "--scrape-timeout", "60",
            ], environment: ["RUNTIME_DIRECTORY": sources.directory])
        while access(socketPath, F_OK) != 0 { _ = try child.line() }
    }

    func end() { child.end(SIGTERM) }

    var processID: Int32 { child.processID }

    /// The processor time that it has used.
    func processorNanoseconds() throws(Failure) -> Double {
        try benchmarks.processorNanoseconds(of: child.processID)
    }

    /// A scrape; without compression it is checked that all sources have answered.
    func scrape(compressed: Bool = false) throws(Failure) -> Data {
        let body = try HTTPRequest(socketPath: socketPath, path: "/metrics", acceptsGzip: compressed).body()
        let all = "dmascope_sources{state=\"answering\"} \(sources.count + 1)\n"
        guard compressed || body.firstRange(of: Data(all.utf8)) != nil else {
            throw Failure("not all of \(sources.count) sources are in a scrape")
        }
        return body
    }

    /// What the live page shows.
    func snapshot() throws(Failure) -> Data {
        try HTTPRequest(socketPath: socketPath, path: "/snapshot.json").body()
    }
}
