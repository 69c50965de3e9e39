import Glibc
import LinuxSystem
import SystemPackage

/// Reads the small files of `/proc` and `/sys`.
package enum SystemFile {
    /// The text of a file, at most a page, without white space at its ends; `nil` when it cannot be read.
    package static func text(_ path: String) -> String? {
        guard case .success(let raw) = systemCall({ open(path, O_RDONLY | O_CLOEXEC) }) else { return nil }
        let file = OwnedDescriptor(adopting: raw)
        var buffer = [UInt8](repeating: 0, count: 4096)
        let result = buffer.withUnsafeMutableBytes { bytes in
            systemCall { read(raw, bytes.baseAddress, bytes.count) }
        }
        _ = consume file
        guard case .success(let count) = result else { return nil }
        let isSpace: (UInt8) -> Bool = { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }
        let end = buffer[..<count].lastIndex { !isSpace($0) }.map { $0 + 1 } ?? 0
        return String(decoding: buffer[..<end].drop(while: isSpace), as: UTF8.self)
    }

    /// The number in a file; `nil` when it cannot be read or holds no number.
    static func number(_ path: String) -> UInt64? { text(path).flatMap { UInt64($0) } }

    /// The names in a directory, sorted; empty when it cannot be read.
    static func names(in path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }

    /// The last component of a symbolic link's target; `nil` when the path is no symbolic link.
    static func linkedName(_ path: String) -> String? {
        var buffer = [CChar](repeating: 0, count: 4096)
        let length = buffer.count
        guard case .success(let count) = systemCall({ readlink(path, &buffer, length) }) else { return nil }
        return String(decoding: buffer[..<count].lazy.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(
            separator: "/"
        ).last.map(String.init)
    }
}

/// Reads process information from `/proc`.
struct ProcDirectory: Sendable {
    private static let ticksPerSecond = Double(max(sysconf(CInt(_SC_CLK_TCK)), 1))

    /// The time of boot, in seconds since 1970, calculated from the present wall clock.
    private let bootTime: Double

    init() {
        var time = timespec()
        // Cannot fail for this clock.
        _ = clock_gettime(CLOCK_BOOTTIME, &time)
        let uptime = Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
        bootTime = Double(MonotonicTime.wallClockNanoseconds) / 1e9 - uptime
    }

    /// When a process started, in seconds since 1970, in steps of the kernel's clock tick; `nil` when the process has ended.
    func startTime(of pid: Int32) -> Double? {
        fields("/proc/\(pid)/stat").flatMap { Self.field(22, of: $0) }.map { start in
            let time = bootTime + Double(start) / Self.ticksPerSecond
            return (time * 100).rounded() / 100
        }
    }

    /// The resources that this process uses.
    func ownFigures() -> ProcessFigures {
        let fields = fields("/proc/self/stat") ?? []
        func number(_ place: Int) -> UInt64 { Self.field(place, of: fields) ?? 0 }
        let pageSize = UInt64(max(sysconf(CInt(_SC_PAGESIZE)), 0))
        // Not counted: the descriptor that lists the directory.
        let descriptors = max(SystemFile.names(in: "/proc/self/fd").count - 1, 0)
        return ProcessFigures(
            processorSeconds: Double(number(14) + number(15)) / Self.ticksPerSecond, threads: number(20),
            virtualBytes: number(23), residentBytes: number(24) &* pageSize,
            anonymousBytes: Self.kilobytes("RssAnon", in: SystemFile.text("/proc/self/status") ?? "") &* 1024,
            openDescriptors: UInt64(descriptors), descriptorLimit: DescriptorLimit.current,
            startTime: startTime(of: getpid()))
    }

    /// The fields after the program's name. The name itself may contain spaces and parentheses.
    private func fields(_ path: String) -> [Substring]? {
        guard let text = SystemFile.text(path), let end = text.lastIndex(of: ")") else { return nil }
        return text[text.index(after: end)...].split(separator: " ")
    }

    /// A field by its number in `proc(5)`; the first one after the name is 3.
    private static func field(_ number: Int, of fields: [Substring]) -> UInt64? {
        fields.indices.contains(number - 3) ? UInt64(fields[number - 3]) : nil
    }

    private static func kilobytes(_ name: String, in text: String) -> UInt64 {
        let line = text.split(separator: "\n").first { $0.hasPrefix(name + ":") }
        return line.flatMap { UInt64($0.filter(\.isNumber)) } ?? 0
    }
}

/// The resources that this process uses.
struct ProcessFigures: Sendable {
    let processorSeconds: Double
    let threads: UInt64
    let virtualBytes: UInt64
    let residentBytes: UInt64
    let anonymousBytes: UInt64
    let openDescriptors: UInt64
    let descriptorLimit: UInt64
    let startTime: Double?
}
