import ArgumentParser

/// Several values as one argument: `64,4K,1M`.
struct CommaList<Element: ExpressibleByArgument>: ExpressibleByArgument {
    let elements: [Element]

    init(_ elements: Element...) {
        self.elements = elements
    }

    init?(argument: String) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
        let elements = parts.compactMap { Element(argument: String($0)) }
        guard elements.count == parts.count else { return nil }
        self.elements = elements
    }

    var defaultValueDescription: String {
        elements.map(\.defaultValueDescription).joined(separator: ",")
    }
}
