import Foundation
import TestSupport
import Testing

@Suite struct RunningProgramTests {
    @Test func inputOutputAndStatusPass() throws {
        let result = try runProgram(
            "sh", ["-c", "cat; echo $GREETING >&2; exit 7"], environment: ["GREETING": "hello"], input: "a\nb")
        #expect(result.exit == .exited(7))
        #expect(result.output == "a\nb")
        #expect(result.errors == "hello\n")
    }

    @Test func moreOutputThanAPipeHoldsIsNotLost() throws {
        let result = try runProgram("sh", ["-c", "head -c 5000000 /dev/zero; head -c 3000000 /dev/zero >&2"])
        #expect(result.output.utf8.count == 5_000_000)
        #expect(result.errors.utf8.count == 3_000_000)
    }

    @Test func aConversationIsPossible() throws {
        let program = try RunningProgram("sh", ["-c", "while read line; do echo \"got $line\"; done"])
        program.write("one\n")
        try program.waitForOutput(containing: "got one")
        program.write("two\n")
        #expect(try program.waitForOutput(containing: "got two") == "got one\ngot two\n")
        program.closeInput()
        #expect(try program.wait().exit == .exited(0))
        program.write("nobody reads this")
    }

    @Test func linesComeOneByOne() throws {
        let program = try RunningProgram("sh", ["-c", "echo one; cat; printf 'no end'"])
        #expect(try program.nextLine() == "one")
        program.write("\ntwo")
        #expect(try program.nextLine() == "")
        program.write(" and a half\n")
        #expect(try program.nextLine() == "two and a half")
        #expect(throws: TestSupportError.self) { try program.nextLine(timeout: .milliseconds(50)) }
        program.closeInput()
        #expect(throws: TestSupportError.self) { try program.nextLine(timeout: .seconds(60)) }
        #expect(program.outputSoFar.hasSuffix("no end"))
    }

    @Test func aSignalIsReportedAsTheEnd() throws {
        let program = try RunningProgram("sh", ["-c", "echo up; exec cat"])
        try program.waitForOutput(containing: "up")
        program.kill(SIGTERM)
        #expect(try program.wait().exit == .signalled(SIGTERM))
    }

    @Test func aProgramThatTakesTooLongIsKilled() throws {
        let program = try RunningProgram("cat")
        #expect(throws: TestSupportError.self) { try program.wait(timeout: .milliseconds(50)) }
        #expect(try program.wait().exit == .signalled(SIGKILL))
    }

    @Test func waitingForWhatNeverComesEndsWithTheProgram() throws {
        let program = try RunningProgram("echo", ["something else"])
        #expect(throws: TestSupportError.self) { try program.waitForOutput(containing: "this", timeout: .seconds(60)) }
    }

    @Test func aProgramThatDoesNotExistIsAnError() {
        #expect(throws: TestSupportError.self) { try RunningProgram("/nonexistent/program") }
    }

    @Test func theLastReferenceTakesTheProgramWithIt() throws {
        let witness = try RunningProgram("cat")
        var program: RunningProgram? = try RunningProgram("sh", ["-c", "echo up; exec cat"])
        try program?.waitForOutput(containing: "up")
        let processID = try #require(program).processID
        program = nil
        // The killed child is reaped by its watcher; until then its number is there, as a zombie.
        let deadline = ContinuousClock.now + .seconds(10)
        while kill(processID, 0) == 0 && ContinuousClock.now < deadline { sched_yield() }
        #expect(kill(processID, 0) == -1)
        _ = witness
    }

    @Test func aMissingToolSaysWhatToInstall() throws {
        let error = #expect(throws: TestSupportError.self) { try requiredTool("no-such-tool", package: "some-package") }
        #expect(error?.description.hasSuffix("apt-get install some-package") == true)
    }
}
