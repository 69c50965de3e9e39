import Glibc
public import SystemPackage

/// A mapping of this process's memory.
///
/// C: a line of `/proc/self/maps`
public struct MemoryMapping: Sendable, Hashable {
    /// Its addresses, whole pages.
    public let addresses: Range<UInt64>
    /// Whether it may be written.
    public let isWritable: Bool
    /// Whether writes change the file: `MAP_SHARED`.
    public let isShared: Bool
    /// The offset of its first byte in the file.
    public let offset: UInt64
    /// The device number of the file, as `stat` has it; 0 without a file.
    public let device: UInt64
    /// The inode number of the file; 0 without a file.
    public let inode: UInt64
    /// The name of the file, as the kernel writes it.
    public let name: String

    /// The mappings that have an address in a range, in the order of their addresses.
    ///
    /// It takes a time that grows with the number of the process's mappings below the range: some 30 µs for a hundred.
    ///
    /// C: ENOENT, EACCES when `/proc` is not there or not readable
    public static func all(in range: Range<UInt64>) throws(Errno) -> [MemoryMapping] {
        var found: [MemoryMapping] = []
        try ProcFile.forEachLine("/proc/self/maps") { line in
            guard let mapping = LineReader.addresses(line), mapping.lowerBound < range.upperBound else { return false }
            if mapping.upperBound > range.lowerBound, let read = MemoryMapping(line) { found.append(read) }
            return true
        }
        return found
    }

    /// - Parameter line: without the line end.
    package init?(_ line: ArraySlice<UInt8>) {
        var reader = LineReader(rest: line)
        guard let addresses = LineReader.addresses(line) else { return nil }
        reader.skipWord()
        let rights = reader.word
        guard rights.count == 4, let offset = reader.hexadecimal(), let major = reader.hexadecimal(),
            let minor = reader.hexadecimal(), let inode = UInt64(String(decoding: reader.word, as: UTF8.self))
        else { return nil }
        self.addresses = addresses
        isWritable = rights.dropFirst().first == UInt8(ascii: "w")
        isShared = rights.last == UInt8(ascii: "s")
        self.offset = offset
        device = Self.device(major, minor)
        self.inode = inode
        name = String(decoding: reader.rest.drop { $0 == UInt8(ascii: " ") }, as: UTF8.self)
    }

    /// C: `makedev`
    private static func device(_ major: UInt64, _ minor: UInt64) -> UInt64 {
        (major & 0xFFF) << 8 | (major & ~0xFFF) << 32 | minor & 0xFF | (minor & ~0xFF) << 12
    }

    /// Reads the fields of a line: `START-END RIGHTS OFFSET MAJOR:MINOR INODE NAME`.
    private struct LineReader {
        var rest: ArraySlice<UInt8>

        /// The next word; spaces before it are skipped.
        var word: ArraySlice<UInt8> {
            mutating get {
                rest = rest.drop { $0 == UInt8(ascii: " ") }
                let word = rest.prefix { $0 != UInt8(ascii: " ") }
                rest = rest.dropFirst(word.count)
                return word
            }
        }

        mutating func skipWord() { _ = word }

        /// The next number and the byte after it.
        mutating func hexadecimal() -> UInt64? {
            rest = rest.drop { $0 == UInt8(ascii: " ") }
            return Self.hexadecimal(&rest)
        }

        static func addresses(_ line: ArraySlice<UInt8>) -> Range<UInt64>? {
            var rest = line
            guard let start = hexadecimal(&rest), let end = hexadecimal(&rest), start <= end else { return nil }
            return start..<end
        }

        private static func hexadecimal(_ rest: inout ArraySlice<UInt8>) -> UInt64? {
            var (value, digits) = (UInt64(0), 0)
            while let byte = rest.popFirst() {
                switch byte {
                case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt64(byte - UInt8(ascii: "0"))
                case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt64(byte - UInt8(ascii: "a") + 10)
                default: return digits > 0 ? value : nil
                }
                digits += 1
                guard digits <= 16 else { return nil }
            }
            return digits > 0 ? value : nil
        }
    }
}
