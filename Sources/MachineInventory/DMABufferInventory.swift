import LinuxSystem
import SystemPackage

/// The dma-bufs of the machine at one time, each of them once, however many processes have it.
///
/// A process that reads them needs the right to look into other processes (that of `ptrace`): the superuser has it for
/// all, others for their own. What could not be read is named. A buffer that is only in the kernel, or in a message that
/// nobody has received, has no holder, and is found only in the kernel's list.
public struct DMABufferInventory: Sendable, Equatable {
    /// Where the kernel's files are; tests have copies.
    public struct Roots: Sendable {
        /// The path of procfs.
        public var proc: String
        /// The path of sysfs, with debugfs in `kernel/debug`.
        public var sys: String

        /// Those of the system, unless given.
        public init(proc: String = "/proc", sys: String = "/sys") {
            self.proc = proc
            self.sys = sys
        }
    }

    /// Whether something could be read.
    public enum Access: String, Sendable {
        /// It was.
        case read
        /// The system does not have it.
        case absent
        /// It cannot be looked at: the process lacks the right.
        case denied
    }

    /// The buffers, by inode number.
    public internal(set) var buffers: [DMABufferRecord] = []
    /// How many processes were looked into.
    public internal(set) var processCount = 0
    /// The processes that could not be looked into, for want of the right.
    public internal(set) var deniedProcesses: [Int32] = []
    /// The processes of which a part was left out because they have too many descriptors or mappings.
    public internal(set) var truncatedProcesses: [Int32] = []
    /// The list of processes.
    public internal(set) var processes = Access.absent
    /// The kernel's list in `/sys/kernel/dmabuf/buffers`.
    public internal(set) var sysfs = Access.absent
    /// The kernel's list in `/sys/kernel/debug/dma_buf/bufinfo`.
    public internal(set) var debugfs = Access.absent
    /// Whether the time was over before all processes had been looked into.
    public internal(set) var isOutOfTime = false

    /// Whether every buffer that a process has was found, with every such process.
    public var isComplete: Bool {
        processes == .read && deniedProcesses.isEmpty && truncatedProcesses.isEmpty && !isOutOfTime
    }

    init() {}

    /// Reads the files of the kernel. It opens files of other processes in `/proc`, which can take as long as their memory
    /// is being changed: a service calls it on a thread of its own (``InventoryReader``).
    ///
    /// - Parameters:
    ///   - roots: where the files are.
    ///   - limit: no further process is looked into after this time.
    public static func read(_ roots: Roots = Roots(), within limit: Duration = .seconds(5)) -> DMABufferInventory {
        let deadline = MonotonicTime.now.advanced(by: limit)
        var inventory = DMABufferInventory()
        var records: [UInt64: DMABufferRecord] = [:]
        inventory.readProcesses(roots.proc, into: &records, until: deadline)
        inventory.debugfs = KernelBufferList.readDebugfs(roots.sys, into: &records)
        inventory.sysfs = KernelBufferList.readSysfs(roots.sys, into: &records)
        inventory.buffers = records.values.sorted { $0.inode < $1.inode }
        return inventory
    }

    private mutating func readProcesses(
        _ root: String, into records: inout [UInt64: DMABufferRecord], until deadline: MonotonicTime
    ) {
        let names: [String]
        do throws(Errno) {
            names = try ProcFile.names(in: root)
        } catch {
            processes = Access(error)
            return
        }
        processes = .read
        for processID in names.lazy.compactMap({ Int32($0) }).sorted() where processID > 0 {
            guard MonotonicTime.now < deadline else {
                isOutOfTime = true
                return
            }
            switch ProcessBuffers.read(processID, root: root) {
            case .gone: break
            case .denied: deniedProcesses.append(processID)
            case .read(let found):
                processCount += 1
                if found.isTruncated { truncatedProcesses.append(processID) }
                found.add(to: &records)
            }
        }
    }
}

extension DMABufferInventory.Access {
    init(_ error: Errno) {
        self = [.permissionDenied, .notPermitted].contains(error) ? .denied : .absent
    }
}
