internal import DMAEngine
internal import Glibc
internal import GroupTable
internal import LinuxSystem
internal import Logging
internal import SystemPackage

/// Maps files of tenants such that their pages are always theirs: the controller never allocates one.
///
/// With userfaultfd a missing page is an error of the operation that accesses it. Where the system refuses userfaultfd,
/// a file must have no holes, and is sealed such that none can be made: no process can map it writable afterwards, so
/// that the first mapping, of the whole file, serves all later windows and must be kept as long as the connection. For
/// the control thread only.
struct TenantMemory {
    /// How missing pages are kept from being allocated.
    enum Mode: String {
        case userfaultfd
        case sealed
    }

    /// A file by its number, which is unique only while the file exists: another tenant must not get its memory by a
    /// file whose number came round.
    private struct Key: Hashable {
        let tenant: Tenant
        let file: FileIdentity
    }

    private struct Whole {
        weak var mapping: SharedMapping?
    }

    private let missingPages: MissingPages?
    /// Sealed mode: the files that are mapped whole, and how many entries there may be before those of unmapped files
    /// are removed.
    private var files: [Key: Whole] = [:], maximumEntries = 64

    init(_ logger: Logger) {
        do throws(Errno) {
            missingPages = try MissingPages()
        } catch {
            missingPages = nil
            logger.notice(
                "userfaultfd cannot be used: applications must allocate all pages of their memory before they map it",
                metadata: ["error": "\(error)"])
        }
    }

    var mode: Mode { missingPages == nil ? .sealed : .userfaultfd }

    /// Memory of a tenant's file.
    struct Region: Sendable {
        /// Contains it and keeps it mapped.
        let mapping: SharedMapping
        /// The mapping of the whole file, which serves others, too.
        let whole: SharedMapping?
        /// How it is accessed; `nil`: at any time.
        let synchronized: SynchronizedMemory?
        /// Of a dma-buf.
        let exporter: String
        private let range: Range<Int>

        /// - Parameter range: in the mapping's memory.
        init(
            _ range: Range<Int>, of mapping: SharedMapping, whole: SharedMapping? = nil,
            synchronized: SynchronizedMemory? = nil, exporter: String = ""
        ) {
            self.synchronized = synchronized
            self.exporter = exporter
            self.range = range
            self.whole = whole
            self.mapping = mapping
        }

        var bytes: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(rebasing: mapping.bytes[range]) }

        /// Maps the pages in advance, part by part: a first touch by the engine would cost it a fault for each page. It
        /// waits for pages that are swapped out. Ends at a missing page.
        func populate() {
            // Small parts: meanwhile no other thread of the process can map memory.
            for part in stride(from: range.lowerBound, to: range.upperBound, by: Self.part) {
                do throws(Errno) {
                    try mapping.populate(part..<min(part + Self.part, range.upperBound))
                } catch {
                    return
                }
            }
        }

        private static let part = 8 << 20
    }

    /// Maps a range of a file that cannot become shorter and contains the range.
    mutating func map(
        _ file: CInt, _ range: Range<Int>, isWritable: Bool, of tenant: Tenant
    ) throws(Refusal) -> Region {
        guard let missingPages else { return try mapSealed(file, range, isWritable: isWritable, of: tenant) }
        do throws(Errno) {
            let mapping = try SharedMapping(
                of: file, offset: range.lowerBound, byteCount: range.count, isWritable: isWritable,
                missingPages: missingPages)
            return Region(0..<range.count, of: mapping)
        } catch .notPermitted where !isWritable {
            // The system does not register pages that nobody can write through this descriptor.
            return try mapUnwritable(file, range)
        } catch {
            throw Self.refusal(error)
        }
    }

    private mutating func mapSealed(
        _ file: CInt, _ range: Range<Int>, isWritable: Bool, of tenant: Tenant
    ) throws(Refusal) -> Region {
        // Before the file is sealed, so that a refused one is as it was; and after it, when it cannot change any more.
        try Self.checkAllocated(range, of: file)
        guard let whole = try whole(file, of: tenant) else {
            guard !isWritable else {
                throw Refusal(.notPermitted, "the file is sealed against writes: it can be mapped for reading only")
            }
            return try mapUnwritable(file, range)
        }
        try Self.checkAllocated(range, of: file)
        guard range.upperBound <= whole.bytes.count else {
            throw Refusal(
                .notPermitted, "the file has grown to \(range.upperBound) bytes since it was mapped: use a new file")
        }
        guard !isWritable else { return Region(range, of: whole, whole: whole) }
        return Region(0..<range.count, of: try Self.readOnly(file, range), whole: whole)
    }

    /// Maps a range for reading of a file that must not get holes, because it is sealed against writes.
    private func mapUnwritable(_ file: CInt, _ range: Range<Int>) throws(Refusal) -> Region {
        guard let seals = try? MemoryFile.seals(of: file), !seals.isDisjoint(with: [.write, .futureWrite]) else {
            throw Refusal(
                .notPermitted,
                "the descriptor is open for reading only: seal the file with F_SEAL_WRITE, or send a descriptor that "
                    + "is open for writing")
        }
        try Self.checkAllocated(range, of: file)
        return Region(0..<range.count, of: try Self.readOnly(file, range))
    }

    private static func readOnly(_ file: CInt, _ range: Range<Int>) throws(Refusal) -> SharedMapping {
        do throws(Errno) {
            return try SharedMapping(of: file, offset: range.lowerBound, byteCount: range.count, isWritable: false)
        } catch {
            throw refusal(error)
        }
    }

    /// The mapping of a whole file, which is sealed such that no hole can be made in it.
    ///
    /// - Returns: `nil` for a file that was sealed before: it cannot be mapped for writing.
    private mutating func whole(_ file: CInt, of tenant: Tenant) throws(Refusal) -> SharedMapping? {
        do throws(Errno) {
            let key = Key(tenant: tenant, file: try FileIdentity(of: file))
            if let mapping = files[key]?.mapping { return mapping }
            guard try MemoryFile.seals(of: file).isDisjoint(with: [.write, .futureWrite]) else { return nil }
            let mapping = try SharedMapping(
                of: file, byteCount: try MemoryFile.byteCount(of: file), isWritable: true)
            try MemoryFile.add(.futureWrite, to: file)
            remember(mapping, key)
            return mapping
        } catch {
            throw Self.refusal(error)
        }
    }

    private static func checkAllocated(_ range: Range<Int>, of file: CInt) throws(Refusal) {
        let isAllocated: Bool
        do throws(Errno) {
            isAllocated = try MemoryFile.isAllocated(range, of: file)
        } catch {
            throw refusal(error)
        }
        guard isAllocated else {
            throw Refusal(
                .invalidArgument,
                "the memory has a hole that the controller cannot watch: allocate all pages before, for example with "
                    + "fallocate")
        }
    }

    private mutating func remember(_ mapping: SharedMapping, _ key: Key) {
        files[key] = Whole(mapping: mapping)
        guard files.count > maximumEntries else { return }
        files = files.filter { $0.value.mapping != nil }
        maximumEntries = max(64, 2 * files.count)
    }

    private static func refusal(_ error: Errno) -> Refusal {
        Refusal(error, "the controller cannot map the memory: \(error)")
    }
}

/// The connections whose memory was mapped by other threads.
final class PopulatedPeers: Sendable {
    let event: EventDescriptor
    private let numbers = Locked<[UInt64]>([])

    init() throws(Errno) {
        event = try EventDescriptor()
    }

    func add(_ number: UInt64) {
        numbers.withLock { $0.append(number) }
        event.signal()
    }

    func take() -> [UInt64] {
        numbers.withLock { numbers in
            defer { numbers = [] }
            return numbers
        }
    }
}
