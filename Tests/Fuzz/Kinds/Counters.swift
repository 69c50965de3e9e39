import CDMADev
import DMADev
import ObservedCounters

extension FuzzKind {
    /// The file of an observed program: two bytes say where a valid one ends, the others change it: an offset of two bytes,
    /// and eight bytes that are put there.
    static let counters = FuzzKind(name: "counters") { bytes in
        var input = InputReader(bytes)
        var image = validFile
        image.removeLast(min(image.count, Int(input.number(UInt16.self))))
        while !input.rest.isEmpty {
            let offset = Int(input.number(UInt16.self))
            for byte in input.take(8).enumerated() where offset + byte.offset < image.count {
                image[offset + byte.offset] = byte.element
            }
        }
        image.withUnsafeBytes { image in
            guard let file = try? CountersFile(bytes: image) else { return }
            require(file.pid > 0, "a process ID of \(file.pid)")
            for device in file.devices {
                let length = device.name.utf8.count
                require(length > 0 && length <= 3 * 64, "a name of \(length) bytes")
                require(
                    device.channels.count * MemoryLayout<observer_channel_counters>.size <= image.count,
                    "\(device.channels.count) channels in \(image.count) bytes")
                for channel in device.channels {
                    for counter in ChannelCounter.table { _ = counter.value(in: channel.counters) }
                    _ = channel.counters.latency.percentile(0.99)
                    require(channel.inFlight <= UInt64(Int64.max), "\(channel.inFlight) in flight")
                }
            }
        }
    }

    /// Two devices, the second one with two channels.
    private static let validFile: [UInt8] = {
        var header = observer_file_header()
        header.magic = UInt64(OBSERVER_FILE_MAGIC)
        header.version = UInt32(OBSERVER_FILE_VERSION)
        header.pid = 1
        header.nb_devices = UInt32(OBSERVER_DEVICE_COUNT)
        let channel = MemoryLayout<observer_channel_counters>.size
        func entry(_ name: UInt8, _ channels: UInt16, _ offset: Int) -> observer_file_device {
            var entry = observer_file_device()
            entry.offset = UInt64(offset)
            entry.channel_bytes = UInt32(channel)
            entry.nb_vchans = channels
            entry.name.0 = CChar(name)
            entry.driver.0 = CChar(name)
            return entry
        }
        let size = MemoryLayout<observer_file_header>.size
        header.devices.0 = entry(UInt8(ascii: "a"), 1, size)
        header.devices.5 = entry(UInt8(ascii: "b"), 2, size + channel)
        return withUnsafeBytes(of: &header) { Array($0) } + [UInt8](repeating: 1, count: 3 * channel)
    }()
}
