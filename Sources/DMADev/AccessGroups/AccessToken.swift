package import LinuxSystem

/// The secret that opens an access group: 16 bytes; `rte_uuid_t token`.
///
/// Whoever has it and the group's number may join. The bytes are in memory of their own, wiped when the last reference
/// goes: hold a token no longer than it is needed. It prints, dumps and mirrors as nothing, and no call of the library
/// records it. Any thread may use it.
public final class AccessToken: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The bytes, for those that keep or send them.
    package let secret: Secret

    /// Bytes of a token.
    public static let byteCount = 16

    /// A token that lies where its secret does.
    ///
    /// - Parameter secret: ``byteCount`` bytes.
    package init(_ secret: Secret) {
        self.secret = secret
    }

    /// A token from its bytes, `nil` unless they are 16. The caller wipes its own copy.
    public convenience init?(bytes: UnsafeRawBufferPointer) {
        guard bytes.count == Self.byteCount else { return nil }
        self.init(Secret(copying: bytes))
    }

    /// A new token that nobody can guess.
    public static func random() -> AccessToken {
        AccessToken(.random(byteCount: byteCount))
    }

    /// Lends the 16 bytes; a copy that is made of them is the caller's to wipe.
    public func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try secret.withUnsafeBytes(body)
    }

    /// Tells nothing.
    public var description: String { "access token" }
    /// Tells nothing.
    public var debugDescription: String { description }
    /// Shows nothing.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
