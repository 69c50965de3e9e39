/// Bytes that nobody keeps: in memory of their own, which is wiped when the last reference goes. They print and mirror as
/// nothing. Any thread may use it.
public final class Secret: @unchecked Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    // Written before the object is shared, then only read, and wiped by the last owner.
    private let memory: UnsafeMutableRawBufferPointer

    private init(byteCount: Int) {
        memory = .allocate(byteCount: byteCount, alignment: 16)
        memory.initializeMemory(as: UInt8.self, repeating: 0)
    }

    /// Bytes that nobody can guess.
    public static func random(byteCount: Int) -> Secret {
        let secret = Secret(byteCount: byteCount)
        RandomBytes.fill(secret.memory)
        return secret
    }

    /// A copy of these bytes; the caller wipes its own.
    public convenience init(copying bytes: some Sequence<UInt8>, count: Int) {
        self.init(byteCount: count)
        for (place, byte) in zip(memory.indices, bytes) { memory[place] = byte }
    }

    deinit {
        RandomBytes.wipe(memory)
        memory.deallocate()
    }

    /// Lends the bytes; a copy that is made of them is the caller's to wipe.
    public func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(memory))
    }

    /// Whether the bytes are the same. For tests of messages: it takes the longer the more of them are.
    public static func == (one: Secret, other: Secret) -> Bool {
        one.memory.elementsEqual(other.memory)
    }

    /// Tells nothing.
    public var description: String { "secret" }
    /// Shows nothing.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
