import CLinux

/// Bytes that nobody else keeps: in memory of their own, which is wiped when the last reference goes. They print and
/// mirror as nothing, and copying or comparing them leaves no copy behind. Any thread may use it.
public final class Secret: @unchecked Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    // Written before the object is shared, then only read, and wiped by the last owner.
    private let memory: UnsafeMutableRawBufferPointer
    /// Whose memory it is; `nil`: the heap's.
    private let owner: SecretMemory?

    /// Takes zeroed memory over, which goes back to its owner.
    init(_ memory: UnsafeMutableRawBufferPointer, of owner: SecretMemory?) {
        self.memory = memory
        self.owner = owner
    }

    private convenience init(byteCount: Int) {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 16)
        memory.initializeMemory(as: UInt8.self, repeating: 0)
        self.init(memory, of: nil)
    }

    /// Bytes that nobody can guess.
    public static func random(byteCount: Int) -> Secret {
        let secret = Secret(byteCount: byteCount)
        RandomBytes.fill(secret.memory)
        return secret
    }

    /// A copy of these bytes; the caller wipes its own.
    public convenience init(copying bytes: UnsafeRawBufferPointer) {
        self.init(byteCount: bytes.count)
        fill(from: bytes)
    }

    deinit {
        if let owner {
            owner.release(memory)
        } else {
            RandomBytes.wipe(memory)
            memory.deallocate()
        }
    }

    /// How many there are.
    public var byteCount: Int { memory.count }

    /// Lends the bytes; a copy that is made of them is the caller's to wipe.
    public func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(memory))
    }

    /// Copies the bytes to memory that has room for them; the caller wipes it.
    public func copy(to target: UnsafeMutableRawBufferPointer) {
        precondition(target.count >= memory.count, "no room for a secret")
        guard let to = target.baseAddress, let from = memory.baseAddress else { return }
        clinux_copy_secret(to, from, memory.count)
    }

    func fill(from bytes: UnsafeRawBufferPointer) {
        guard let to = memory.baseAddress, let from = bytes.baseAddress else { return }
        clinux_copy_secret(to, from, min(memory.count, bytes.count))
    }

    /// Whether the bytes are the same; takes the same time wherever they differ.
    public static func == (one: Secret, other: Secret) -> Bool {
        guard one.memory.count == other.memory.count else { return false }
        guard let left = one.memory.baseAddress, let right = other.memory.baseAddress else { return true }
        return clinux_equal_secrets(left, right, one.memory.count)
    }

    /// Tells nothing.
    public var description: String { "secret" }
    /// Shows nothing.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
