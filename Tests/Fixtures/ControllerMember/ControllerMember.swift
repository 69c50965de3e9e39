import ControllerDriver
import DMADev
import Glibc
import LinuxSystem
import SystemPackage

/// An application that does what a test tells it: `controller-member PATH [UID GROUP]`.
///
/// It has one device of the controller, and a buffer of 64 pages of which all is mapped for it. Each line on standard
/// input is a command, and gets one line: what came of it, or `error ERRNO`. With UID and GROUP it becomes that user,
/// with the group beside the user's own, before it connects.
@main
struct ControllerMember {
    static func main() throws {
        if CommandLine.arguments.count > 3 { becomeUser() }
        let bench: Bench
        do {
            bench = try Bench(CommandLine.arguments[1])
        } catch {
            return say("error \((error as? DMAError)?.errno.rawValue ?? 0)")
        }
        say("ready")
        while let line = readLine() {
            let words = line.split(separator: " ").map(String.init)
            guard let name = words.first, let command = commands[name] else {
                say("no command: \(line)")
                continue
            }
            do {
                say(try command(bench, Arguments(words.dropFirst())))
            } catch let error as DMAError {
                say("error \(error.errno.rawValue)")
            } catch let error as OperationError {
                say("error \(error.errno.rawValue)")
            }
        }
    }

    private static func becomeUser() {
        guard let user = uid_t(CommandLine.arguments[2]), let group = gid_t(CommandLine.arguments[3]),
            setgroups(1, [group]) == 0, setgid(user) == 0, setuid(user) == 0
        else { exit(4) }
    }

    static func say(_ text: String) {
        print(text)
        fflush(nil)
    }
}

/// The words behind a command; a test that leaves one out ends the program.
struct Arguments {
    private let words: [String]

    init(_ words: ArraySlice<String>) {
        self.words = Array(words)
    }

    subscript(_ index: Int) -> String {
        guard index < words.count else { exit(5) }
        return words[index]
    }

    func number<Number: FixedWidthInteger>(_ index: Int, _ type: Number.Type = Number.self) -> Number {
        guard let number = Number(self[index]) else { exit(6) }
        return number
    }

    /// A token from the bytes of a file. No copy of them is left.
    func tokenInFile(_ index: Int) -> AccessToken {
        let file = open(self[index], O_RDONLY | O_CLOEXEC)
        defer { close(file) }
        let token = withUnsafeTemporaryAllocation(byteCount: AccessToken.byteCount, alignment: 8) { bytes in
            defer { RandomBytes.wipe(bytes) }
            return read(file, bytes.baseAddress, bytes.count) == bytes.count
                ? AccessToken(bytes: UnsafeRawBufferPointer(bytes)) : nil
        }
        guard let token else { exit(9) }
        return token
    }

    /// A token from its hexadecimal digits.
    func token(_ index: Int) -> AccessToken {
        let digits = Array(self[index])
        let bytes = stride(from: 0, to: digits.count - 1, by: 2).compactMap {
            UInt8(String(digits[$0...$0 + 1]), radix: 16)
        }
        guard let token = bytes.withUnsafeBytes({ AccessToken(bytes: $0) }) else { exit(7) }
        return token
    }
}
