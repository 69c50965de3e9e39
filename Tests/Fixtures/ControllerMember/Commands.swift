import ControllerDriver
import DMADev
import Glibc
import LinuxSystem

typealias Command = @Sendable (Bench, Arguments) throws -> String

/// What the program does, by name.
let commands: [String: Command] = [
    "create": { bench, words in
        let group = try bench.device.createAccessGroup(
            domain: bench.domain, token: words.token(1), limit: words.number(0))
        return "\(group) \(try bench.device.accessGroupHandler(of: bench.domain, in: group))"
    },
    // LIMIT FILE: the token comes into being here, and is in the file alone when the answer comes.
    "create-with-file": { bench, words in
        let token = AccessToken.random()
        let file = open(words[1], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        defer { close(file) }
        guard token.withUnsafeBytes({ write(file, $0.baseAddress, $0.count) == $0.count }) else { exit(8) }
        return "\(try bench.device.createAccessGroup(domain: bench.domain, token: token, limit: words.number(0)))"
    },
    // GROUP FILE
    "join-with-file": { bench, words in
        "\(try bench.device.joinAccessGroup(words.number(0), domain: bench.domain, token: words.tokenInFile(1)))"
    },
    "create-pair": { bench, words in
        let group = try bench.device.createAccessPairGroup(domain: bench.domain, token: words.token(0))
        return "\(group) \(try bench.device.accessPairGroupHandler(of: bench.domain, in: group))"
    },
    "join": { bench, words in
        "\(try bench.device.joinAccessGroup(words.number(0), domain: bench.domain, token: words.token(1)))"
    },
    "leave": { bench, words in
        try bench.device.leaveAccessGroup(words.number(0))
        return "ok"
    },
    // What comes back with the answer has changed nothing in between: the memory is the process's own again.
    "leave-and-put": { bench, words in
        try bench.device.leaveAccessGroup(words.number(0))
        bench.buffer.bytes.initializeMemory(as: UInt8.self, repeating: words.number(1))
        return "ok"
    },
    "destroy": { bench, words in
        try bench.device.destroyAccessGroup(words.number(0))
        return "ok"
    },
    // GROUP RIGHTS FIRST-PAGE PAGES
    "window": { bench, words in
        let start = UInt64(UInt(bitPattern: bench.buffer.bytes.baseAddress))
        let window = try bench.device.registerWindow(
            WindowMemory(
                address: start + words.number(2) * UInt64(Bench.page), length: words.number(3) * UInt64(Bench.page)),
            rights: WindowRights(rawValue: words.number(1)), in: words.number(0))
        return "\(window.iova)"
    },
    // PAGES
    "register": { bench, words in
        try bench.register(pages: words.number(0))
        return "ok"
    },
    "unregister": { bench, _ in
        try bench.unregister()
        return "ok"
    },
    // GROUP RIGHTS FIRST-PAGE PAGES
    "region-window": { bench, words in
        guard let region = bench.region else { exit(10) }
        let first = words.number(2) * UInt64(Bench.page)
        let window = try bench.device.registerWindow(
            region.memory, part: first..<first + words.number(3) * UInt64(Bench.page),
            rights: WindowRights(rawValue: words.number(1)), in: words.number(0))
        return "\(window.iova)"
    },
    "close-window": { bench, words in
        try bench.device.unregisterWindow(iova: words.number(0))
        return "ok"
    },
    "size": { bench, words in "\(try bench.device.accessGroupSize(words.number(0)))" },
    "handlers": { bench, words in
        try bench.device.accessGroupTable(words.number(0)).map { "\($0.handler)" }.joined(separator: " ")
    },
    "windows": { bench, words in
        try bench.device.accessGroupWindows(words.number(0)).map {
            "\($0.handler):\($0.iova):\($0.length):\($0.rights.rawValue)"
        }.joined(separator: " ")
    },
    "domain": { bench, _ in bench.domain.bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() },
    "own": { bench, _ in "\(bench.iova)" },
    // SOURCE DESTINATION LENGTH SOURCE-HANDLER DESTINATION-HANDLER
    "copy": { bench, words in
        try bench.device.virtualChannel(0).copy(
            from: words.number(0), to: words.number(1), length: words.number(2),
            flags: bench.flags(source: words.number(3), destination: words.number(4)).union(.submit))
        return "\(try bench.end())"
    },
    // DESTINATION LENGTH PATTERN DESTINATION-HANDLER
    "fill": { bench, words in
        try bench.device.virtualChannel(0).fill(
            words.number(0), pattern: words.number(2), length: words.number(1),
            flags: bench.flags(source: 0, destination: words.number(3)).union(.submit))
        return "\(try bench.end())"
    },
    // process or os: the kind of domain that the next commands name.
    "others": { bench, words in
        bench.otherDomains = words[0] == "os" ? .operatingSystem : .process
        return "ok"
    },
    "flood": flood,
    // A channel that names a member itself: SOURCE-HANDLER DESTINATION-HANDLER
    "channel": { bench, words in
        try bench.device.stop()
        try bench.device.configure(DeviceConfiguration(virtualChannelCount: 1))
        try bench.device.setUpVirtualChannel(
            0,
            configuration: VirtualChannelConfiguration(
                descriptorCount: 256,
                domain: InterDomain(
                    type: bench.otherDomains, sourceHandler: words.number(0), destinationHandler: words.number(1))))
        try bench.device.start()
        return "ok"
    },
    // OFFSET COUNT BYTE
    "put": { bench, words in
        put(bench.buffer.bytes, words)
        return "ok"
    },
    "holds": { bench, words in holds(bench.buffer.bytes, words) },
    "region-put": { bench, words in
        guard let region = bench.region else { exit(10) }
        put(region.mapping.bytes, words)
        return "ok"
    },
    "region-holds": { bench, words in
        guard let region = bench.region else { exit(10) }
        return holds(region.mapping.bytes, words)
    },
    "events": { bench, _ in bench.events.joined(separator: " ") },
    "is-halted": { bench, _ in try bench.device.status(of: 0) == .haltedError ? "yes" : "no" },
    // Another controller has other groups: what was heard of the old ones is forgotten.
    "connect-anew": { bench, _ in
        try bench.device.stop()
        try bench.endHearing()
        try bench.start()
        try bench.beginHearing()
        return "ok"
    },
    // PROCESS
    "read-memory-of": { _, words in
        let file = open("/proc/\(words[0])/mem", O_RDONLY | O_CLOEXEC)
        defer { close(file) }
        return file < 0 ? "error \(errno)" : "opened"
    },
]

/// OFFSET COUNT BYTE
private func part(of memory: UnsafeMutableRawBufferPointer, _ words: Arguments) -> UnsafeMutableRawBufferPointer {
    let first = words.number(0, Int.self)
    return UnsafeMutableRawBufferPointer(rebasing: memory[first..<first + words.number(1, Int.self)])
}

@Sendable private func put(_ memory: UnsafeMutableRawBufferPointer, _ words: Arguments) {
    part(of: memory, words).initializeMemory(as: UInt8.self, repeating: words.number(2))
}

@Sendable private func holds(_ memory: UnsafeMutableRawBufferPointer, _ words: Arguments) -> String {
    let byte = words.number(2, UInt8.self)
    return part(of: memory, words).allSatisfy { $0 == byte } ? "yes" : "no"
}

/// COUNT LENGTH DESTINATION DESTINATION-HANDLER: copies from the own buffer, as fast as it goes. Says `flooding` when the
/// engine is at it, and at the end how often each status came.
@Sendable private func flood(_ bench: Bench, _ words: Arguments) throws -> String {
    let channel = try bench.device.virtualChannel(0)
    let (count, length) = (words.number(0, Int.self), words.number(1, UInt32.self))
    let destination: UInt64 = words.number(2)
    let flags = bench.flags(source: 0, destination: words.number(3))
    var (made, ended) = (0, 0)
    var seen: [UInt16: Int] = [:]
    var statuses = [CompletionStatus](repeating: .successful, count: 256)
    while ended < count {
        var room = min(Int(try channel.burstCapacity), 32, count - made)
        made += room
        while room > 0 {
            // Somewhere else in the window each time, so that many of its pages are hit.
            let offset = UInt64((made - room) % 32) * 4096
            try channel.copy(from: bench.iova, to: destination + offset, length: length, flags: flags)
            room -= 1
        }
        try channel.submit()
        let got = try statuses.withUnsafeMutableBufferPointer { try channel.completedStatus(into: $0).count }
        for status in statuses.prefix(Int(got)) { seen[status.rawValue, default: 0] += 1 }
        if ended == 0, got > 0 { ControllerMember.say("flooding") }
        ended += Int(got)
    }
    return seen.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)" }.joined(separator: " ")
}
