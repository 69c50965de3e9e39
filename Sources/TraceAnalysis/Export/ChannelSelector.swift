/// The channels of one device, or one of them, as a user names them: `NAME` or `NAME:VCHAN`.
public struct ChannelSelector: Sendable, CustomStringConvertible {
    /// What the user has written.
    public let description: String
    private let device: Substring
    private let vchan: Int?

    /// - Parameter text: a device's name, or its number; then the number of a channel after a colon. Names of PCI devices
    ///   have colons of their own, and end in no number after one.
    public init(_ text: String) {
        description = text
        if let colon = text.lastIndex(of: ":"), let vchan = Int(text[text.index(after: colon)...]), vchan >= 0 {
            device = text[..<colon]
            self.vchan = vchan
        } else {
            device = text[...]
            vchan = nil
        }
    }

    /// Whether a channel is one of these.
    public func matches(_ channel: TracedChannel) -> Bool {
        let names = [channel.deviceName, "\(channel.device)"].compactMap(\.self)
        if names.contains(description) { return true }
        return names.contains { $0 == device } && (vchan == nil || vchan == channel.vchan)
    }
}
