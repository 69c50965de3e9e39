internal import CDMADev
public import DMADev
internal import Glibc
internal import LinuxSystem
internal import SystemPackage

/// The counters that an observed program of DPDK has left, read once.
///
/// Any program of the file's owner can have written the file, at any time. So nothing in it is taken for granted: it is
/// read by `pread` into memory of this process, never mapped; numbers are checked against the file's size before they are
/// used; what is text is cut at the first zero.
public struct CountersFile: Sendable {
    /// A channel, as the last doorbell and the last poll left it.
    public struct Channel: Sendable {
        /// Its counters. Latencies end at the poll that saw the completion.
        public let counters: ChannelCounters
        /// Polls that found something, and polls that found nothing.
        public let polls: (full: UInt64, empty: UInt64)
        /// Operations that were rung and never polled.
        public let inFlight: UInt64
    }

    /// A device. Its number is DPDK's.
    public struct Device: Sendable {
        /// The number in the process.
        public let id: Int16
        /// DPDK's name; not empty.
        public let name: String
        /// The name of the driver's file.
        public let driver: String
        /// Whether it was started.
        public let isStarted: Bool
        /// Its channels; empty if it never had one.
        public let channels: [Channel]
    }

    /// The path that it was read from.
    public let path: String
    /// The owner.
    public let uid: UInt32
    /// The program's process ID and name.
    public let pid: Int32
    /// The name of the program, at most 15 bytes.
    public let program: String
    /// The process ID of the `dmascope observe` that has started it; 0: another program has.
    public let session: UInt32
    /// When the file was made: of the clock of `Ticks`.
    public let created: UInt64
    /// The devices in the order of their numbers.
    public let devices: [Device]
    private let file: FileIdentity?

    /// More channels than this are not read: a sparse file can claim many.
    static let channelLimit = 8192

    /// Reads the file of a program that has ended.
    ///
    /// - Throws: ``CountersFileError``: `inUse` if the program has not ended.
    public init(path: String) throws(CountersFileError) {
        let opened: CInt
        do throws(Errno) {
            // Not the target of a link, and no wait for the other end of a pipe.
            opened = try tryingSystemCall { open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) }
        } catch {
            throw CountersFileError(.unreadable, "cannot open \(path): \(error)", errno: error)
        }
        let descriptor = OwnedDescriptor(adopting: opened)
        let raw = descriptor.raw
        var status = stat()
        guard fstat(raw, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw CountersFileError(.invalid, "\(path) is no regular file")
        }
        // The program has it locked as long as it lives.
        guard flock(raw, LOCK_SH | LOCK_NB) == 0 else {
            throw CountersFileError(.inUse, "the program of \(path) has not ended")
        }
        let size = UInt64(clamping: status.st_size)
        try self.init(path: path, uid: status.st_uid, size: size, file: try? FileIdentity(of: raw)) { offset, buffer in
            var done = 0
            while done < buffer.count {
                let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
                guard
                    case .success(let count) = systemCall({
                        pread(raw, rest.baseAddress, rest.count, off_t(clamping: offset) + off_t(done))
                    }), count > 0
                else { return false }
                done += count
            }
            return true
        }
    }

    /// Reads bytes: for a fuzzer.
    package init(bytes: UnsafeRawBufferPointer) throws(CountersFileError) {
        try self.init(path: "", uid: 0, size: UInt64(bytes.count), file: nil) { offset, buffer in
            guard offset <= bytes.count, buffer.count <= bytes.count - Int(offset) else { return false }
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[Int(offset)..<Int(offset) + buffer.count]))
            return true
        }
    }

    /// - Parameter read: fills a buffer from an offset; `false` if the file is shorter.
    private init(
        path: String, uid: UInt32, size: UInt64, file: FileIdentity?,
        _ read: (UInt64, UnsafeMutableRawBufferPointer) -> Bool
    ) throws(CountersFileError) {
        func invalid(_ reason: String) -> CountersFileError {
            CountersFileError(.invalid, "\(path.isEmpty ? "the file" : path) has no counters: \(reason)")
        }
        var header = observer_file_header()
        guard withUnsafeMutableBytes(of: &header, { read(0, $0) }) else { throw invalid("it is too short") }
        guard header.magic == UInt64(OBSERVER_FILE_MAGIC), header.version == UInt32(OBSERVER_FILE_VERSION),
            header.nb_devices == UInt32(OBSERVER_DEVICE_COUNT)
        else { throw invalid("it is of another kind or version") }
        guard let pid = Int32(exactly: header.pid), pid > 0 else { throw invalid("its process ID is wrong") }
        var devices: [Device] = []
        var left = Self.channelLimit
        let entries = withUnsafeBytes(of: &header.devices) { Array($0.bindMemory(to: observer_file_device.self)) }
        for (number, entry) in entries.enumerated() where entry.offset != 0 {
            let name = Self.text(entry.name)
            guard !name.isEmpty else { throw invalid("device \(number) has no name") }
            guard Int(entry.channel_bytes) == MemoryLayout<observer_channel_counters>.size else {
                throw invalid("the channels of device \(number) are of another version")
            }
            let count = UInt64(entry.nb_vchans)
            guard entry.offset >= UInt64(MemoryLayout<observer_file_header>.size), entry.offset <= size,
                count * UInt64(entry.channel_bytes) <= size - entry.offset
            else { throw invalid("the channels of device \(number) are not in the file") }
            guard count <= left else { throw invalid("more than \(Self.channelLimit) channels") }
            left -= Int(count)
            var channels: [Channel] = []
            for place in 0..<count {
                var words = observer_channel_counters()
                let offset = entry.offset + place * UInt64(entry.channel_bytes)
                guard withUnsafeMutableBytes(of: &words, { read(offset, $0) }) else {
                    throw invalid("it has become shorter")
                }
                channels.append(Channel(words, isSilent: entry.is_silent != 0))
            }
            devices.append(
                Device(
                    id: Int16(number), name: name, driver: Self.text(entry.driver), isStarted: entry.is_observed != 0,
                    channels: channels))
        }
        self.path = path
        self.uid = uid
        self.pid = pid
        self.file = file
        program = Self.text(header.program)
        session = header.session
        created = header.created
        self.devices = devices
    }

    /// Removes the file, unless another one has its name now.
    public func remove() {
        guard let file, FileIdentity(path) == file else { return }
        unlink(path)
    }

    /// The bytes of an array of characters before the first zero.
    private static func text<Characters>(_ characters: Characters) -> String {
        withUnsafeBytes(of: characters) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}

extension CountersFile.Channel {
    init(_ words: observer_channel_counters, isSilent: Bool) {
        var words = words
        counters = ChannelCounters(words.counters)
        polls = (words.activity.full_polls, words.activity.empty_polls)
        inFlight = isSilent ? 0 : UInt64(max(0, observer_in_flight(&words)))
    }
}

/// Where the files are.
extension CountersFile {
    /// The names of such files begin so; the process ID follows.
    static let namePrefix = OBSERVER_FILE_PREFIX

    /// The environment variable that tells a program the process ID of its `dmascope observe`.
    public static let sessionVariable = OBSERVER_SESSION_VARIABLE

    /// The paths of all files in the directory of a DPDK file prefix, at most 4096; none if it cannot be read.
    public static func paths(in directory: String) -> [String] {
        guard let names = try? ProcFile.names(in: directory, atMost: 4096) else { return [] }
        return names.filter { name in
            name.hasPrefix(namePrefix) && Int32(name.dropFirst(namePrefix.count)).map { $0 > 0 } ?? false
        }.sorted().map { "\(directory)/\($0)" }
    }
}
