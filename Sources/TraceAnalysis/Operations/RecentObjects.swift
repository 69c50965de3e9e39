/// Objects by two numbers, the most recent at each of a few places: no hashing and no search for what was used just now. Does
/// not keep them alive.
final class RecentObjects<Object: AnyObject> {
    private struct Slot {
        var first = 0
        var second: UInt64 = 0
        var object: Unmanaged<Object>?
    }

    private static var capacity: Int { 64 }
    private let slots = UnsafeMutablePointer<Slot>.allocate(capacity: capacity)

    init() { slots.initialize(repeating: Slot(), count: Self.capacity) }

    deinit { slots.deallocate() }

    /// The object, if it is at its place.
    @inline(__always)
    subscript(first: Int, second: UInt64) -> Object? {
        let slot = slots + Self.place(first, second)
        guard let object = slot.pointee.object, slot.pointee.first == first, slot.pointee.second == second else {
            return nil
        }
        return object.takeUnretainedValue()
    }

    /// Puts it at its place.
    func add(_ object: Object, _ first: Int, _ second: UInt64) {
        slots[Self.place(first, second)] = Slot(first: first, second: second, object: .passUnretained(object))
    }

    /// Forgets all. Call it before an object ends.
    func removeAll() { slots.update(repeating: Slot(), count: Self.capacity) }

    private static func place(_ first: Int, _ second: UInt64) -> Int {
        let mixed = (UInt64(truncatingIfNeeded: first) &* 31 &+ second) &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: mixed >> 58)
    }
}
