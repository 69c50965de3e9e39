internal import GroupTable

/// Work that waits for the control thread: tenants take turns, one item each; the items of one tenant keep their order.
struct WorkQueue<Item> {
    /// Items in the order of arrival.
    private struct Line<Element> {
        private var elements: [Element] = []
        private var first = 0

        var isEmpty: Bool { first == elements.count }

        mutating func append(_ element: Element) { elements.append(element) }

        mutating func removeFirst() -> Element {
            defer {
                first += 1
                // Each element is moved once for each time that the array is halved.
                if first * 2 >= elements.count {
                    elements.removeFirst(first)
                    first = 0
                }
            }
            return elements[first]
        }
    }

    private var lines: [Tenant?: Line<Item>] = [:]
    /// The tenants that have work, in the order of their turns.
    private var turns = Line<Tenant?>()

    /// No work waits.
    var isEmpty: Bool { turns.isEmpty }

    /// Adds work.
    ///
    /// - Parameter tenant: `nil`: work of no tenant, which has its turns like one.
    mutating func add(_ item: Item, for tenant: Tenant?) {
        if lines[tenant] == nil { turns.append(tenant) }
        lines[tenant, default: Line()].append(item)
    }

    /// Takes the next item.
    mutating func next() -> Item? {
        guard !turns.isEmpty else { return nil }
        let tenant = turns.removeFirst()
        guard let item = lines[tenant]?.removeFirst() else { return nil }
        if lines[tenant]?.isEmpty == true { lines[tenant] = nil } else { turns.append(tenant) }
        return item
    }
}
