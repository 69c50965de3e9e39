internal import CJSONC

/// Adding values to objects and arrays.
///
/// `set(_:_:)` takes literals as keys and does not copy them; `set(name:_:)` takes keys created at run time. A key that
/// is set again keeps its position and gets the new value.
extension JSONValue {
    /// Appends to an array. No effect on a value that is not an array, except that a debug build stops: it is a
    /// programming error, never caused by input.
    public mutating func append(_ element: consuming JSONValue) {
        guard kind == .array else {
            assertionFailure("append to a JSON value that is not an array")
            return
        }
        let child = element.release()
        if json_object_array_add(pointer, child) != 0 {
            _ = json_object_put(child)
        }
    }

    /// Sets a member of an object. No effect on a value that is not an object, except that a debug build stops.
    public mutating func set(_ key: StaticString, _ value: consuming JSONValue) {
        guard key.hasPointerRepresentation else {
            set(name: key.description, value)
            return
        }
        // The literal exists as long as the process, so json-c need not copy it.
        let text = UnsafeRawPointer(key.utf8Start).assumingMemoryBound(to: CChar.self)
        add(text, value.release(), options: CUnsignedInt(JSON_C_OBJECT_ADD_CONSTANT_KEY))
    }

    /// Sets a member of an object with a key created at run time. json-c's keys end at NUL, so a NUL in the key becomes
    /// U+FFFD.
    public mutating func set(name: String, _ value: consuming JSONValue) {
        let key =
            name.utf8.contains(0)
            ? name.split(separator: "\0", omittingEmptySubsequences: false)
                .joined(separator: "\u{FFFD}") : name
        let child = value.release()
        key.withCString { add($0, child, options: 0) }
    }

    /// Sets a member to an integer.
    @inlinable
    public mutating func set(_ key: StaticString, _ value: some FixedWidthInteger) {
        set(key, JSONValue(value))
    }

    /// Sets a member to a string.
    public mutating func set(_ key: StaticString, _ value: String) {
        set(key, JSONValue(value))
    }

    /// Sets a member to a number; NaN and the infinities become null.
    public mutating func set(_ key: StaticString, _ value: Double) {
        set(key, JSONValue(value))
    }

    /// Sets a member to `true` or `false`.
    public mutating func set(_ key: StaticString, _ value: Bool) {
        set(key, JSONValue(value))
    }

    /// Sets a member to an integer.
    @inlinable
    public mutating func set(name: String, _ value: some FixedWidthInteger) {
        set(name: name, JSONValue(value))
    }

    /// Sets a member to a string.
    public mutating func set(name: String, _ value: String) {
        set(name: name, JSONValue(value))
    }

    /// Sets a member to a number; NaN and the infinities become null.
    public mutating func set(name: String, _ value: Double) {
        set(name: name, JSONValue(value))
    }

    /// Sets a member to `true` or `false`.
    public mutating func set(name: String, _ value: Bool) {
        set(name: name, JSONValue(value))
    }

    /// Adds `child`. Takes over its reference even if it fails.
    private mutating func add(_ key: UnsafePointer<CChar>, _ child: OpaquePointer?, options: CUnsignedInt) {
        guard kind == .object else {
            assertionFailure("set a member of a JSON value that is not an object")
            _ = json_object_put(child)
            return
        }
        if json_object_object_add_ex(pointer, key, child, options) != 0 {
            _ = json_object_put(child)
        }
    }
}
