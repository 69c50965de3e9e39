import Foundation

/// The system's pool of huge pages of its default size, while a test changes it. One test at a time does.
public final class HugePagePool: Sendable {
    /// Whether this process may change the pool.
    public static let isOurs: Bool = (try? setting.write(to: file, atomically: false, encoding: .utf8)) != nil

    private static let file = URL(filePath: "/proc/sys/vm/nr_hugepages")
    private static var setting: String { (try? String(contentsOf: file, encoding: .utf8)) ?? "" }

    /// Bytes of a huge page; `nil` where the system has none.
    public static let pageSize = (try? figure("Hugepagesize")).map { $0 * 1024 }

    /// Whether the system has huge pages.
    public static var isOffered: Bool { pageSize != nil }

    private let before = HugePagePool.setting

    /// Sees to it that so many pages are free.
    public init(freeCount: Int) throws {
        try setFreeCount(freeCount)
        guard try self.freeCount == freeCount else { throw TestSupportError("no \(freeCount) huge pages can be had") }
    }

    deinit {
        try? before.write(to: Self.file, atomically: false, encoding: .utf8)
    }

    /// Pages that are neither in use nor set aside.
    public var freeCount: Int {
        get throws { try Self.figure("HugePages_Free") - Self.figure("HugePages_Rsvd") }
    }

    /// Pages are added to the pool, or taken away.
    public func setFreeCount(_ count: Int) throws {
        let total = try Self.figure("HugePages_Total") - freeCount + count
        try "\(total)".write(to: Self.file, atomically: false, encoding: .utf8)
    }

    private static func figure(_ name: String) throws -> Int {
        for line in try String(contentsOfFile: "/proc/meminfo", encoding: .utf8).split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count > 1, words[0] == "\(name):", let figure = Int(words[1]) { return figure }
        }
        throw TestSupportError("/proc/meminfo has no \(name)")
    }
}
