import ArgumentParser

/// Several values as one argument: `64,4K,1M`.
package struct CommaList<Element: ExpressibleByArgument>: ExpressibleByArgument {
    package let elements: [Element]

    package init(_ elements: Element...) {
        self.elements = elements
    }

    package init?(argument: String) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
        let elements = parts.compactMap { Element(argument: String($0)) }
        guard elements.count == parts.count else { return nil }
        self.elements = elements
    }

    package var defaultValueDescription: String {
        elements.map(\.defaultValueDescription).joined(separator: ",")
    }
}
