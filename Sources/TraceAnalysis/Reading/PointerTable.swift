/// Objects by the address of one of the library's, by which an event names its class and its stream. A dictionary's hashing
/// would cost a noticeable part of what decoding the event does.
struct PointerTable<Object: AnyObject> {
    private var slots: [(key: UInt, object: Object)?] = Array(repeating: nil, count: 64)
    private var count = 0
    private var last: (key: UInt, object: Object)?

    /// The object of the address, made at the first call.
    mutating func object(at pointer: OpaquePointer, _ make: () -> Object) -> Object {
        let key = UInt(bitPattern: pointer)
        if let last, last.key == key { return last.object }
        let found: Object
        var place = Self.place(key, slots.count)
        while let slot = slots[place], slot.key != key { place = (place + 1) & (slots.count - 1) }
        if let slot = slots[place] {
            found = slot.object
        } else {
            found = make()
            slots[place] = (key, found)
            count += 1
            if count * 2 > slots.count { grow() }
        }
        last = (key, found)
        return found
    }

    /// All objects, in no particular order.
    var all: [Object] { slots.compactMap { $0?.object } }

    private mutating func grow() {
        let old = slots
        slots = Array(repeating: nil, count: old.count * 2)
        for case let slot? in old {
            var place = Self.place(slot.key, slots.count)
            while slots[place] != nil { place = (place + 1) & (slots.count - 1) }
            slots[place] = slot
        }
    }

    private static func place(_ key: UInt, _ count: Int) -> Int {
        Int(((key >> 4) &* 0x9E37_79B9_7F4A_7C15) >> 32) & (count - 1)
    }
}
