/// Values by the address of one of the library's objects, by which an event names its class and its stream. A dictionary's
/// hashing would cost a noticeable part of what decoding the event does.
///
/// A value stays where it is as long as the table: it is used through its pointer, without a check for exclusive access and
/// without a reference that is counted.
final class PointerTable<Value> {
    private struct Slot {
        var key: UInt = 0
        var value: UnsafeMutablePointer<Value>?
    }

    private var slots: UnsafeMutablePointer<Slot>
    private var capacity = 64
    private var count = 0

    init() { slots = Self.empty(capacity) }

    deinit {
        for place in 0..<capacity {
            slots[place].value?.deinitialize(count: 1)
            slots[place].value?.deallocate()
        }
        slots.deallocate()
    }

    /// The value of the address, made at the first call.
    func value(at pointer: OpaquePointer, _ make: () -> Value) -> UnsafeMutablePointer<Value> {
        let key = UInt(bitPattern: pointer)
        let place = place(of: key)
        if let value = slots[place].value { return value }
        let value = UnsafeMutablePointer<Value>.allocate(capacity: 1)
        value.initialize(to: make())
        slots[place] = Slot(key: key, value: value)
        count += 1
        if count * 2 > capacity { grow() }
        return value
    }

    /// All values, in no particular order.
    var all: [Value] { (0..<capacity).compactMap { slots[$0].value?.pointee } }

    /// Where the key is, or else the empty slot for it.
    private func place(of key: UInt) -> Int {
        var place = Int(((key >> 4) &* 0x9E37_79B9_7F4A_7C15) >> 32) & (capacity - 1)
        while slots[place].value != nil, slots[place].key != key { place = (place + 1) & (capacity - 1) }
        return place
    }

    private func grow() {
        let (old, oldCapacity) = (slots, capacity)
        capacity *= 2
        slots = Self.empty(capacity)
        for place in 0..<oldCapacity where old[place].value != nil {
            slots[self.place(of: old[place].key)] = old[place]
        }
        old.deallocate()
    }

    private static func empty(_ capacity: Int) -> UnsafeMutablePointer<Slot> {
        let slots = UnsafeMutablePointer<Slot>.allocate(capacity: capacity)
        slots.initialize(repeating: Slot(), count: capacity)
        return slots
    }
}
