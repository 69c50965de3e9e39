import ControllerDriver
import DMADev
import Glibc
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

/// Greetings of another version, as that version sent them.
@Suite struct HandshakeTests {
    /// The packets of version 2: header of kind and sequence, then the members.
    private enum Version2 {
        /// Answered what a client of version 2 sent.
        static let welcome: [UInt8] = [
            2, 0, 0, 0, 1, 0, 0, 0, 0x44, 0x4D, 0x41, 0x43, 2, 0, 0, 0, 0x61, 2, 0, 0, 15, 0, 0, 0, 16, 0, 0, 32, 32, 0,
            32, 0, 0, 1, 0, 0,
        ]
        /// Answers a client of version 3.
        static let failed: [UInt8] = [4, 0, 0, 0, 1, 0, 0, 0, 93, 0, 0, 0, 57, 0] + Array(reason.utf8)
        static let reason = "protocol versions 3 to 3: this controller supports only 2"
    }

    /// Connects a device to something that answers a greeting with these bytes and a descriptor.
    private func error(answering bytes: [UInt8]) throws -> DMAError? {
        let directory = try TemporaryDirectory()
        let path = directory.file("control")
        let listener = try SequencedPacketSocket.open()
        try SequencedPacketSocket.bind(listener, to: path, mode: .ownerReadWrite)
        try SequencedPacketSocket.listen(listener)
        let raw = listener.release()
        let thread = try SystemThread.start(name: "other-version") {
            let listener = OwnedDescriptor(adopting: raw)
            guard let socket = try? SequencedPacketSocket.accept(listener), let event = try? EventDescriptor() else {
                return
            }
            var greeting = [UInt8](repeating: 0, count: 64)
            let length = recv(socket.raw, &greeting, greeting.count, 0)
            guard length == 16 else { return }
            bytes.withUnsafeBytes { try? SequencedPacketSocket.send($0, descriptors: [event.raw], on: socket.raw) }
            // Until the client ends the connection.
            _ = recv(socket.raw, &greeting, greeting.count, 0)
        }
        defer { thread.join() }
        do throws(DMAError) {
            _ = try ControllerDevice(path: path)
            return nil
        } catch {
            return error
        }
    }

    @Test func aControllerOfVersion2IsRefusedByItsWelcome() throws {
        let error = try error(answering: Version2.welcome)
        #expect(error?.errno == .protocolNotSupported)
        #expect(
            error?.message.hasSuffix(
                "the application has versions 4 to 5 of the controller's protocol, and the controller has version 2: upgrade the "
                    + "controller, `dmascope serve`") == true, "\(error?.message ?? "")")
    }

    @Test func theRefusalOfAControllerOfVersion2SaysWhatToDo() throws {
        let error = try error(answering: Version2.failed)
        #expect(error?.errno == .protocolNotSupported)
        for part in [Version2.reason, "this application has version 5", "must be of releases with the same version"] {
            #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
        }
    }

    @Test func whatIsNoWelcomeIsNoVersion() throws {
        for change in [(0, 3), (8, 0), (2, 1)] as [(Int, UInt8)] {
            var bytes = Version2.welcome
            bytes[change.0] = change.1
            #expect(try error(answering: bytes)?.errno == .protocolError)
        }
        #expect(try error(answering: Array(Version2.welcome.prefix(13)))?.errno == .protocolError)
    }
}
