import Foundation
import TestSupport

/// What a controller's process has for others, as the system counts it, and as it says itself.
///
/// Only what it can have because of somebody who connects: a tracer's descriptors and threads, and pages of the heap, come
/// and go as they like.
struct ControllerCensus: Equatable, CustomStringConvertible {
    private let counts: [String: Int]
    private let told: String

    init(_ host: ControllerHost) throws {
        let process = "/proc/\(host.program.processID)"
        var counts: [String: Int] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: "\(process)/fd") {
            // It may have been closed meanwhile.
            guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(process)/fd/\(name)")
            else {
                continue
            }
            if let kind = ["eventfd", "pidfd", "memfd"].first(where: target.contains) {
                counts["descriptors of \(kind)", default: 0] += 1
            }
        }
        // Column 8 is the path: that of the listener and of all who are connected with it.
        counts["sockets"] = try Self.lines("/proc/net/unix").count { $0.hasSuffix(" " + host.path) }
        for line in try Self.lines("\(process)/maps") where line.contains("memfd:dmascope") {
            let name = line.split(separator: " ").dropFirst(5).first ?? ""
            counts["mappings of \(name)", default: 0] += 1
        }
        for thread in try FileManager.default.contentsOfDirectory(atPath: "\(process)/task") {
            let name = (try? Self.lines("\(process)/task/\(thread)/comm").first) ?? ""
            // A thread for calls that can block ends by itself, some time after the last one.
            if name.hasPrefix("dma-"), !name.hasPrefix("dma-blocking") { counts["threads \(name)", default: 0] += 1 }
        }
        self.counts = counts
        told = try host.counts
    }

    /// Threads that live only while they have work.
    var hasHelpers: Bool { counts["threads dma-blockingCalls"] != nil }

    /// Files of `/proc` do not tell their size.
    private static func lines(_ path: String) throws -> [Substring] {
        guard let file = fopen(path, "r") else { throw TestSupportError("no \(path)") }
        defer { fclose(file) }
        var all: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 65536)
        while case let got = fread(&part, 1, part.count, file), got > 0 { all += part.prefix(got) }
        return String(decoding: all, as: UTF8.self).split(separator: "\n")
    }

    var description: String {
        counts.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }.joined(separator: ", ")
            + "; connections, rings, windows, groups: \(told)"
    }
}
