/// The work of an engine since it was started.
public struct EngineReport: Sendable, Equatable {
    /// Number of the engine in this process, as in traces.
    public var id: UInt32
    /// The name of its thread.
    public var name: String
    /// Time spent on operations, up to the last publication of completions or chunk of an operation.
    public var busyNanoseconds: UInt64
    /// How often it has slept because it had no work.
    public var sleeps: UInt64
    /// Operations that it has finished, failed and aborted ones included.
    public var operations: UInt64
    /// Bytes moved by successful operations.
    public var bytes: UInt64
    /// The rings that it serves now.
    public var rings: Int
    /// The processors that its thread may run on, as the kernel writes them: `0-2,5`.
    public var processors: String
    /// What it does without work: `sleep`, `adaptive`, `spin`; empty if unknown.
    public var idling: String

    /// All values are taken as they are.
    public init(
        id: UInt32, name: String, busyNanoseconds: UInt64 = 0, sleeps: UInt64 = 0, operations: UInt64 = 0,
        bytes: UInt64 = 0, rings: Int = 0, processors: String = "", idling: String = ""
    ) {
        self.id = id
        self.name = name
        self.busyNanoseconds = busyNanoseconds
        self.sleeps = sleeps
        self.operations = operations
        self.bytes = bytes
        self.rings = rings
        self.processors = processors
        self.idling = idling
    }
}
