import DMADev
import DMAEngine
import FaultDriver
import SoftwareDriver
import SystemPackage
import Testing

@Suite struct FaultPlanTextTests {
    @Test("A plan is read as it was written")
    func reads() throws {
        let plan = try FaultPlan(
            parsing:
                "fail=10:invalid_src_addr+20:unknown,every=100:bus_error,from=7:not_attempted,delay=5ms,freeze=1000,halt=5000:sticky"
        )
        #expect(
            plan
                == FaultPlan(
                    failures: [
                        FaultPlan.Failure(.number(10), .invalidSourceAddress),
                        FaultPlan.Failure(.number(20), .unknown), FaultPlan.Failure(.every(100), .busError),
                        FaultPlan.Failure(.from(7), .notAttempted),
                    ], delay: .milliseconds(5), freeze: FaultPlan.Outage(from: 1000),
                    halt: FaultPlan.Outage(from: 5000, isSticky: true)))
        #expect(try FaultPlan(parsing: "") == FaultPlan())
    }

    @Test("Every status but success can be planned by its name")
    func everyStatus() throws {
        for row in CompletionStatus.table.dropFirst() {
            let plan = try FaultPlan(parsing: "fail=1:\(row.name)")
            #expect(plan.failures == [FaultPlan.Failure(.number(1), row.status)])
        }
    }

    @Test(
        "A delay has a unit",
        arguments: [
            ("0ns", Duration.zero), ("17ns", .nanoseconds(17)), ("250us", .microseconds(250)),
            ("250µs", .microseconds(250)), ("3ms", .milliseconds(3)), ("3600s", .seconds(3600)),
        ])
    func delays(text: String, delay: Duration) throws {
        #expect(try FaultPlan(parsing: "delay=\(text)").delay == delay)
    }

    @Test(
        "What is wrong is said with what is allowed",
        arguments: [
            ("colour=red", "its keys are: fail, every, from, delay, freeze, halt"),
            ("fail", "\"fail\" is not key=value"),
            ("fail=1:bus_error,", "\"\" is not key=value"), (",", "\"\" is not key=value"),
            ("fail=1:bus_error,fail=2:bus_error", "is repeated"), ("fail=", "N:STATUS"), ("fail=1", "N:STATUS"),
            ("fail=0:bus_error", "N from 1"), ("fail=-1:bus_error", "N from 1"), ("fail=+1:bus_error", "N from 1"),
            ("fail=18446744073709551616:bus_error", "N from 1"), ("fail=1:successful", "one of user_abort"),
            ("fail=1:bus_eror", "bus_write_error bus_error data_poison"), ("fail=1:bus_error+", "joined with +"),
            ("fail=1:bus_error:2", "N:STATUS"), ("every=0:bus_error", "N from 1"), ("from=x:unknown", "N from 1"),
            ("delay=5", "a whole number with ns, us, ms or s"), ("delay=ms", "a whole number"),
            ("delay=-5ms", "a whole number"), ("delay=1.5ms", "a whole number"), ("delay=3601s", "up to 3600s"),
            ("delay=9223372036854775808s", "up to 3600s"), ("delay=９s", "a whole number"),
            ("freeze=0", "N from 1"), ("freeze=", "N from 1"), ("freeze=5:", "N:sticky"), ("halt=5:stuck", "N:sticky"),
            ("halt=5:sticky:sticky", "N:sticky"), ("halt=many", "N from 1"),
        ])
    func refuses(text: String, sentence: String) {
        let error = #expect(throws: FaultPlan.ParseError.self) { try FaultPlan(parsing: text) }
        #expect(error?.description.contains(sentence) == true, "\(error.map(\.description) ?? "")")
    }

    @Test(
        "A plan that cannot be makes no device",
        arguments: [
            FaultPlan(failures: [FaultPlan.Failure(.number(0), .busError)]),
            FaultPlan(failures: [FaultPlan.Failure(.every(0), .busError)]),
            FaultPlan(failures: [FaultPlan.Failure(.from(0), .busError)]),
            FaultPlan(failures: [FaultPlan.Failure(.number(1), .successful)]),
            FaultPlan(failures: [FaultPlan.Failure(.number(1), CompletionStatus(rawValue: 77))]),
            FaultPlan(delay: .nanoseconds(-1)), FaultPlan(delay: .seconds(3601)),
            FaultPlan(freeze: FaultPlan.Outage(from: 0)), FaultPlan(halt: FaultPlan.Outage(from: 0)),
        ])
    func refusesPlan(plan: FaultPlan) throws {
        let error = try #require(throws: DMAError.self) { try faultDevice(plan) }
        #expect(error.errno == .invalidArgument)
        #expect(
            error.message.contains("are allowed") || error.message.contains("are counted from 1")
                || error.message.contains("allowed are"))
    }
}
