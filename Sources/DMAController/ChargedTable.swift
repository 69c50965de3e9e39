/// What a tenant is charged for.
protocol Charged {
    var amount: QuotaLedger.Amount { get }
}

/// Charged values, with the sum of their bytes: reading it takes the same time however many there are.
struct ChargedTable<Key: Hashable, Value: Charged> {
    private var table: [Key: Value] = [:]
    private(set) var byteCount: UInt64 = 0

    var isEmpty: Bool { table.isEmpty }
    var count: Int { table.count }
    var keys: Dictionary<Key, Value>.Keys { table.keys }
    var values: Dictionary<Key, Value>.Values { table.values }

    subscript(key: Key) -> Value? {
        get { table[key] }
        set {
            let old = newValue.map { table.updateValue($0, forKey: key) } ?? table.removeValue(forKey: key)
            byteCount = byteCount &- (old?.amount.bytes ?? 0) &+ (newValue?.amount.bytes ?? 0)
        }
    }

    mutating func removeValue(forKey key: Key) -> Value? {
        let old = table.removeValue(forKey: key)
        byteCount &-= old?.amount.bytes ?? 0
        return old
    }

    /// Removes any value.
    mutating func removeAny() -> Value? {
        let old = table.popFirst()?.value
        byteCount &-= old?.amount.bytes ?? 0
        return old
    }
}
