import Testing

@testable import DeviceDrivers

@Suite struct DeviceSpecificationTests {
    @Test(arguments: [
        ("", "there is no driver \"\""), ("hardware", "the drivers are: software"),
        ("software,", "its keys are: name, engine, cpus, idle, vchans"),
        ("software,colour=red", "\"colour=red\" is not key=value"),
        ("software,vchans", "\"vchans\" is not key=value"), ("software,vchans=", "allowed: 1 to 1024"),
        ("software,vchans=0", "allowed: 1 to 1024"), ("software,vchans=1025", "allowed: 1 to 1024"),
        ("software,vchans=+3", "allowed: 1 to 1024"), ("software,vchans=99999999999999999999", "allowed: 1 to 1024"),
        ("software,max-desc=32769", "allowed: 1 to 32768"), ("software,max-sges=65", "allowed: 1 to 64"),
        ("software,vchans=1,vchans=2", "is repeated"), ("software,name=", "1 to 63 bytes"),
        ("software,name=a b", "1 to 63 bytes"), ("software,capabilities=copy+teleport", "names joined with +"),
        ("software,capabilities=copy+", "names joined with +"),
        ("software,capabilities=0x8000000000000000", "bits of 0x"),
        ("software,capabilities=0x", "bits of 0x"),
        ("software,cpus=", "such as 0-2,5"), ("software,cpus=2-1", "from 0 to 8191"),
        ("software,cpus=0,x", "cpus=0,x is invalid"), ("software,cpus=8192", "from 0 to 8191"),
        ("software,cpus=0,vchans=3,5", "\"5\" is not key=value"), ("software,cpus=0,1,cpus=2", "is repeated"),
        ("software,idle=", "allowed: sleep, adaptive, spin"), ("software,idle=Spin", "allowed: sleep, adaptive, spin"),
        ("fault,inner=fault", "allowed: software"), ("fault,fail=3:bad", "STATUS one of user_abort"),
        ("fault,fail=0:bus_error", "N from 1"), ("fault,delay=5", "ns, us, ms or s"),
        ("fault,vchans=0", "allowed: 1 to 1024"), ("fault,colour=red", "its keys are: name, inner, fail"),
    ])
    func whatIsWrongIsSaidWithWhatIsAllowed(text: String, sentence: String) {
        let failure = #expect(throws: DeviceSpecification.Failure.self) { try DeviceSpecification(text) }
        #expect(failure?.description.contains(sentence) == true, "\(String(describing: failure))")
    }

    @Test func helpNamesEveryDriverAndKey() {
        for driver in DriverTable.all {
            #expect(DriverTable.help.contains("\(driver.name): "))
            for key in driver.keys { #expect(DriverTable.help.contains("\(key.name)=")) }
        }
    }
}
