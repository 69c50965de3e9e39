import ControllerProtocol
import DMAController
import Glibc
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

/// The control socket's file.
@Suite struct ControlSocketTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
    }

    private func mode(_ path: String) -> mode_t {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_mode & 0o7777 : 0
    }

    @Test func itsGroupMayConnectAndItGoesWithTheController() throws {
        let path = directory.file("made/control")
        let controller = try DMAController.start(path: path)
        #expect(mode(path) == 0o660 && mode(directory.file("made")) == 0o711)
        #expect(try directory.contents == ["made", "made/control"])
        controller.stop()
        controller.stop()
        #expect(try directory.contents.isEmpty)
    }

    @Test func aDeadOneIsReplacedAndALiveOneIsNot() throws {
        let path = directory.file("control")
        do {
            let dead = try SequencedPacketSocket.open()
            try SequencedPacketSocket.bind(dead, to: path, mode: [.ownerReadWrite])
        }
        let controller = try DMAController.start(path: path)
        #expect(throws: ControllerError.self) { _ = try DMAController.start(path: path) }
        #expect(try RawPeer.greeted(path).ask(StopRings(), for: Done.self) != nil)
        controller.stop()
        #expect(try directory.contents.isEmpty)
    }

    @Test func whatIsNoSocketOrNotOursStays() throws {
        let path = directory.file("file")
        close(open(path, O_CREAT | O_WRONLY, 0o600))
        #expect(throws: ControllerError.self) { _ = try DMAController.start(path: path) }
        #expect(try directory.contents == ["file"])
        chmod(directory.path, 0o777)
        #expect(throws: ControllerError.self) { _ = try DMAController.start(path: directory.file("control")) }
        chmod(directory.path, 0o700)
        for path in ["", "control", directory.path + "/", directory.file(String(repeating: "x", count: 120))] {
            #expect(throws: ControllerError.self, "\(path)") { _ = try DMAController.start(path: path) }
        }
        #expect(try directory.contents == ["file"])
    }

    @Test func configurationsThatNoDeviceCanHaveAreRefused() throws {
        var wrong: [ControllerConfiguration] = []
        for change in [
            { $0.maximumVirtualChannelCount = 0 }, { $0.maximumVirtualChannelCount = 1025 },
            { $0.maximumDescriptorCount = 32769 }, { $0.minimumDescriptorCount = 0 },
            { $0.minimumDescriptorCount = 9000 }, { $0.maximumEntryCount = 65 }, { $0.maximumConnections = 0 },
        ] as [(inout ControllerConfiguration) -> Void] {
            var configuration = ControllerConfiguration()
            change(&configuration)
            wrong.append(configuration)
        }
        for configuration in wrong {
            #expect(throws: ControllerError.self) {
                _ = try DMAController.start(path: directory.file("control"), configuration: configuration)
            }
        }
        #expect(try directory.contents.isEmpty)
    }

    @Test func whoIsConnectedWhenItStopsFindsTheConnectionEnded() throws {
        let controller = try DMAController.start(path: directory.file("control"))
        let peer = try RawPeer.greeted(controller.path)
        #expect(try peer.startRing(AttachRing(vchan: 0, descriptorCount: 32, maximumEntryCount: 4)) != nil)
        #expect(
            try peer.ask(AttachRing(vchan: 1, descriptorCount: 32, maximumEntryCount: 4), for: RingAttached.self) != nil
        )
        controller.stop()
        #expect(peer.receive() == nil)
        #expect(controller.statistics.connections == 0 && controller.statistics.rings == 0)
    }
}
