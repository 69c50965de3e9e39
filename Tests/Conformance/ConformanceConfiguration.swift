import DMADev

/// How a device is set up for a case.
public struct ConformanceConfiguration: Sendable, Equatable, CustomStringConvertible {
    /// Sizes of a ring, within what the device takes.
    enum RingSize: String, Sendable {
        case smallest, odd, powerOfTwo, largest
    }

    let channelCount: UInt16
    let ringSize: RingSize
    let sharesEngine: Bool

    static let all = [
        ConformanceConfiguration(channelCount: 1, ringSize: .powerOfTwo, sharesEngine: false),
        ConformanceConfiguration(channelCount: 1, ringSize: .smallest, sharesEngine: false),
        ConformanceConfiguration(channelCount: 3, ringSize: .odd, sharesEngine: false),
        ConformanceConfiguration(channelCount: 1, ringSize: .largest, sharesEngine: false),
        ConformanceConfiguration(channelCount: 2, ringSize: .odd, sharesEngine: true),
    ]

    func descriptorCount(for properties: DeviceProperties) -> UInt16 {
        let (least, most) = (properties.minimumDescriptorCount, properties.maximumDescriptorCount)
        func clamped(_ count: UInt16) -> UInt16 { min(max(count, least), most) }
        switch ringSize {
        case .smallest: return least
        case .largest: return most
        case .odd:
            let count = clamped(37) | 1
            return count <= most ? count : count - 2
        case .powerOfTwo:
            var count: UInt16 = 64
            while count < least { count <<= 1 }
            while count > most { count >>= 1 }
            return count
        }
    }

    /// Number of channels, ring and engine.
    public var description: String {
        "\(channelCount) vchan\(channelCount == 1 ? "" : "s"), \(ringSize.rawValue) ring, \(sharesEngine ? "shared" : "own") engine"
    }
}
