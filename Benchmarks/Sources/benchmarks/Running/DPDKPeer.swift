import Foundation

/// DPDK's skeleton device in a program of its own, which stays for the whole run and works only when it is asked.
final class DPDKPeer {
    let program: Child
    /// Of its telemetry.
    let socketPath: String

    /// - Parameter filePrefix: names it in the directory of the sockets.
    init(directory: String, cpus: [Int32], filePrefix: String = "bench") throws(Failure) {
        // Built once, so that a later start is not a compiler's.
        let command = try Self.command.get()
        let list = cpus.map(String.init)
        program = try Child(
            command + [
                "--no-huge", "-m", "64", "--no-pci", "--file-prefix=\(filePrefix)", "-l", list.joined(separator: ","),
                "--vdev=dma_skeleton,lcore=\(list[1])",
            ], environment: ["RUNTIME_DIRECTORY": directory])
        socketPath = "\(directory)/dpdk/\(filePrefix)/dpdk_telemetry.v2"
        _ = try answer()
    }

    private static let command: Result<[String], Failure> = {
        let script = "DPDKPeer/build"
        guard FileManager.default.isExecutableFile(atPath: script) else {
            return .failure(Failure("\(script) is not there: run the benchmarks in the folder of their package"))
        }
        do throws(Failure) {
            return .success(try Child.output(of: [script]).split(separator: "\n").map(String.init))
        } catch {
            return .failure(error)
        }
    }()

    /// The numbers that a command of `dpdk-peer` answers with.
    func ask(_ command: String) throws(Failure) -> [Double] {
        try program.send(command)
        return try answer().compactMap { Double($0) }
    }

    private func answer() throws(Failure) -> [Substring] {
        while true {
            let words = try program.line().split(separator: " ")
            switch words.first {
            case "result": return Array(words.dropFirst())
            case "error": throw Failure("DPDK: " + words.dropFirst().joined(separator: " "))
            default: continue
            }
        }
    }
}
