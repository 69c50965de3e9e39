import CDMADev
import DMADev
import Foundation
import LinuxSystem
import TestSupport
import Testing

@testable import ObservedCounters

/// Files of programs that have ended, and files that only look so.
@Suite struct CountersFileTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
    }

    @Test func aFileHasTheDevicesAndCountersOfItsProgram() throws {
        let path = try write(Image().bytes)
        let file = try CountersFile(path: path)
        #expect(file.pid == 77)
        #expect(file.session == 66)
        #expect(file.program == "worker")
        #expect(file.uid == getuid())
        #expect(file.devices.map(\.id) == [3, 9])
        #expect(file.devices.map(\.name) == ["fast0", "slow0"])
        #expect(file.devices.map(\.driver) == ["dma_fast", "dma_fast"])
        #expect(file.devices.map(\.channels.count) == [1, 2])
        let channel = try #require(file.devices[1].channels.last)
        #expect(channel.counters["submitted"] == 1003)
        #expect(channel.counters["completed"] == 1001)
        #expect(channel.inFlight == 2)
        #expect(channel.polls == (7, 5))
    }

    @Test func silentDevicesHaveNothingInFlight() throws {
        var image = Image()
        image.header.devices.9.is_silent = 1
        #expect(try CountersFile(path: write(image.bytes)).devices[1].channels[0].inFlight == 0)
    }

    @Test func theFileOfARunningProgramIsNotRead() throws {
        let path = try write(Image().bytes)
        let lock = try #require(FileHandle(forUpdatingAtPath: path))
        #expect(flock(lock.fileDescriptor, LOCK_EX) == 0)
        #expect(throws: CountersFileError.self) { try CountersFile(path: path) }
        do { _ = try CountersFile(path: path) } catch { #expect(error.code == .inUse) }
        try lock.close()
        _ = try CountersFile(path: path)
    }

    @Test func onlyRegularFilesAreOpened() throws {
        let target = try write(Image().bytes)
        let link = directory.file("link")
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: target)
        #expect(throws: CountersFileError.self) { try CountersFile(path: link) }
        let pipe = directory.file("pipe")
        #expect(mkfifo(pipe, 0o600) == 0)
        #expect(throws: CountersFileError.self) { try CountersFile(path: pipe) }
        #expect(throws: CountersFileError.self) { try CountersFile(path: directory.path) }
        #expect(throws: CountersFileError.self) { try CountersFile(path: directory.file("none")) }
    }

    @Test(arguments: Fault.allCases)
    fileprivate func aGarbledFileIsRefusedWithItsReason(_ fault: Fault) throws {
        var image = Image()
        fault.apply(&image)
        let path = try write(image.bytes)
        do {
            _ = try CountersFile(path: path)
            Issue.record("\(fault) was accepted")
        } catch {
            #expect(error.code == .invalid)
            #expect(error.reason.contains(fault.rawValue), "\(error)")
        }
    }

    /// Whatever is in the file: values within it, or a reason.
    @Test func randomChangesAreNoHarm() throws {
        var random = SeededGenerator(for: "randomChangesAreNoHarm")
        var accepted = 0
        for _ in 0..<20_000 {
            var bytes = Image().bytes
            if Int.random(in: 0..<4, using: &random) == 0 {
                bytes.removeLast(Int.random(in: 0...bytes.count, using: &random))
            }
            for _ in 0..<Int.random(in: 0..<4, using: &random) where !bytes.isEmpty {
                // Mostly in what the reader uses: the header, and the entries of the two devices.
                let places = [0..<64, 448..<576, 1216..<1344, 0..<bytes.count]
                let place = Int.random(in: places[Int.random(in: 0..<4, using: &random)], using: &random)
                guard place < bytes.count else { continue }
                bytes[place] = UInt8.random(in: 0...255, using: &random)
            }
            bytes.withUnsafeBytes { bytes in
                guard let file = try? CountersFile(bytes: bytes) else { return }
                accepted += 1
                for channel in file.devices.flatMap(\.channels) { _ = channel.counters.latency.percentile(0.99) }
            }
        }
        #expect(accepted > 1000)
        #expect(accepted < 20_000)
    }

    @Test func filesAreFoundByTheirNames() throws {
        for name in ["12", "7", "x", "-1", "", "99999999999", "3.old"] {
            try Data().write(to: URL(fileURLWithPath: directory.file("dmascope-observed.\(name)")))
        }
        try Data().write(to: URL(fileURLWithPath: directory.file("dpdk_telemetry.v2")))
        #expect(
            CountersFile.paths(in: directory.path)
                == ["12", "7"].map { directory.file("dmascope-observed.\($0)") })
        #expect(CountersFile.paths(in: directory.file("none")).isEmpty)
    }

    @Test func anotherFileOfThatNameIsNotRemoved() throws {
        let path = try write(Image().bytes)
        let file = try CountersFile(path: path)
        let kept = directory.file("kept")
        #expect(rename(path, kept) == 0)
        _ = try write(Image().bytes)
        file.remove()
        #expect(FileManager.default.fileExists(atPath: path))
        try CountersFile(path: path).remove()
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    private func write(_ bytes: [UInt8]) throws -> String {
        let path = directory.file("dmascope-observed.77")
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        return path
    }
}

/// A valid file.
private struct Image {
    var header = observer_file_header()
    var channels = [observer_channel_counters](repeating: observer_channel_counters(), count: 3)
    var lost = 0

    init() {
        header.magic = UInt64(OBSERVER_FILE_MAGIC)
        header.version = UInt32(OBSERVER_FILE_VERSION)
        header.pid = 77
        header.session = 66
        header.nb_devices = UInt32(OBSERVER_DEVICE_COUNT)
        Self.set(&header.program, "worker")
        let size = MemoryLayout<observer_channel_counters>.size
        let begin = MemoryLayout<observer_file_header>.size
        header.devices.3 = Self.entry("fast0", 1, begin)
        header.devices.9 = Self.entry("slow0", 2, begin + size)
        for place in channels.indices {
            channels[place].counters.application.submitted = 1003
            channels[place].counters.engine.completed = 1001
            channels[place].activity.full_polls = 7
            channels[place].activity.empty_polls = 5
        }
    }

    var bytes: [UInt8] {
        var header = header
        let all = withUnsafeBytes(of: &header) { Array($0) } + channels.withUnsafeBytes { Array($0) }
        return Array(all.dropLast(lost))
    }

    private static func entry(_ name: String, _ channels: UInt16, _ offset: Int) -> observer_file_device {
        var entry = observer_file_device()
        entry.offset = UInt64(offset)
        entry.channel_bytes = UInt32(MemoryLayout<observer_channel_counters>.size)
        entry.nb_vchans = channels
        entry.is_observed = 1
        set(&entry.name, name)
        set(&entry.driver, "dma_fast")
        return entry
    }

    private static func set<Characters>(_ characters: inout Characters, _ text: String) {
        withUnsafeMutableBytes(of: &characters) { $0.copyBytes(from: Array(text.utf8)) }
    }
}

/// What is wrong with a file; the value is what the reason says.
private enum Fault: String, CaseIterable {
    case empty = "it is too short"
    case magic = "it is of another kind or version"
    case pid = "its process ID is wrong"
    case name = "device 3 has no name"
    case size = "the channels of device 9 are of another version"
    case offset = "the channels of device 3 are not in the file"
    case count = "the channels of device 9 are not in the file"

    func apply(_ image: inout Image) {
        switch self {
        case .empty: image.lost = image.bytes.count - 100
        case .magic: image.header.version = 9
        case .pid: image.header.pid = 0x8000_0000
        case .name: image.header.devices.3.name.0 = 0
        case .size: image.header.devices.9.channel_bytes += 8
        case .offset: image.header.devices.3.offset = .max - 100
        case .count: image.header.devices.9.nb_vchans = .max
        }
    }
}
