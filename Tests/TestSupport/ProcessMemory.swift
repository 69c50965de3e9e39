import Foundation

/// What a process has in memory that it may write to, as another process reads it.
public struct ProcessMemory {
    /// A mapping.
    public struct Region {
        /// Its line in `/proc/PID/maps`.
        public let name: String
        /// Whether it is kept out of swap and out of core dumps.
        public let isLockedAndNotDumped: Bool
        /// Whether it could be read.
        public let isReadable: Bool
        /// The pages that hold anything but zeros.
        public let bytes: Data
    }

    /// The mappings, in the order of their addresses.
    public let regions: [Region]

    /// Reads the memory of a process that runs.
    public init(of process: pid_t) throws {
        let file = open("/proc/\(process)/mem", O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw TestSupportError("the memory of process \(process): \(errno)") }
        defer { close(file) }
        var regions: [Region] = []
        var name: Substring?
        // With `cat`: Foundation takes the first part of such a file for the whole one.
        for line in try outputOfProgram("/bin/cat", ["/proc/\(process)/smaps"]).split(separator: "\n") {
            let fields = line.split(separator: " ")
            if fields[0].contains("-") {
                // What is mapped from a file and cannot be written holds what the file holds.
                name = fields[1].hasPrefix("rw") ? line : nil
            } else if fields[0] == "VmFlags:", let region = name {
                let (bytes, isReadable) = Self.read(region, from: file)
                regions.append(
                    Region(
                        name: String(region), isLockedAndNotDumped: fields.contains("lo") && fields.contains("dd"),
                        isReadable: isReadable, bytes: bytes))
                name = nil
            }
        }
        self.regions = regions
    }

    private static func read(_ region: Substring, from file: Int32) -> (Data, isReadable: Bool) {
        let ends = region.prefix { $0 != " " }.split(separator: "-").compactMap { off_t(String($0), radix: 16) }
        let (page, step) = (4096, 1 << 20)
        var found = Data()
        var isReadable = false
        var buffer = [UInt8](repeating: 0, count: step)
        let zeros = [UInt8](repeating: 0, count: page)
        var place = ends[0]
        while place < ends[1] {
            let count = pread(file, &buffer, min(step, Int(ends[1] - place)), place)
            guard count > 0 else {
                place += off_t(page)
                continue
            }
            isReadable = true
            buffer.withUnsafeBytes { buffer in
                for start in stride(from: 0, to: count, by: page) {
                    let part = UnsafeRawBufferPointer(rebasing: buffer[start..<min(start + page, count)])
                    // Not empty.
                    if memcmp(part.baseAddress!, zeros, part.count) != 0 { found.append(contentsOf: part) }
                }
            }
            place += off_t(count)
        }
        return (found, isReadable)
    }
}

extension Data {
    /// How often the bytes hold these others.
    public func count(of form: Data) -> Int {
        withUnsafeBytes { bytes in
            form.withUnsafeBytes { form in
                guard var place = bytes.baseAddress, let wanted = form.baseAddress else { return 0 }
                let end = place + bytes.count
                var count = 0
                while let next = memchr(place, CInt(form[0]), end - place), UnsafeRawPointer(next) + form.count <= end {
                    if memcmp(next, wanted, form.count) == 0 { count += 1 }
                    place = UnsafeRawPointer(next) + 1
                }
                return count
            }
        }
    }
}
