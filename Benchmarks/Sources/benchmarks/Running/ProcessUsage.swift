import CPeers
import Foundation

/// What the kernel says of a program that has ended.
struct ProcessUsage {
    /// Processor time, of user and system.
    let seconds: Double
    /// The most resident memory, in MB (10^6 bytes).
    let peak: Double

    /// Runs a program to its end, without its output.
    ///
    /// - Parameter statuses: the exit statuses that are no failure.
    init(of command: [String], allowing statuses: Set<Int32> = [0]) throws(Failure) {
        let process = try Child.startSilently(command)
        var (status, usage, peak): (Int32, rusage, Double) = (0, rusage(), 0)
        while true {
            let ended = wait4(process, &status, WNOHANG, &usage)
            guard ended >= 0 || errno == EINTR else {
                throw Failure("\(command[0]): \(String(cString: strerror(errno)))")
            }
            if ended > 0 { break }
            peak = max(peak, Self.peak(of: process))
            usleep(5_000)
        }
        guard status & 0x7F == 0, statuses.contains(status >> 8 & 0xFF) else {
            throw Failure("\(command.joined(separator: " ")): wait status \(status)")
        }
        seconds = Self.seconds(usage.ru_utime) + Self.seconds(usage.ru_stime)
        self.peak = peak
    }

    /// Read while it runs: `ru_maxrss` has the memory of the process that started it, too. 0 when it has ended.
    private static func peak(of process: pid_t) -> Double {
        let lines =
            (try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8))?.split(separator: "\n") ?? []
        let peak = lines.first { $0.hasPrefix("VmHWM:") }?.split(separator: " ").dropFirst().first.flatMap {
            Double($0)
        }
        return (peak ?? 0) * 1024 / 1e6
    }

    private static func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
}
