// A Swift program with a Swift runtime of its own, which loads the C library, which has another one. The argument is the
// library's path. Both runtimes must work, before and after, with dictionaries, casts and tasks.
import Glibc

func fail(_ message: String) -> Never {
    fputs("host: \(message)\n", stderr)
    exit(1)
}

protocol Named { var name: String { get } }
struct Device: Named, Hashable { var name: String }

func useOwnRuntime(_ round: Int) async {
    var counts: [AnyHashable: Int] = [:]
    for number in 0..<1000 { counts[Device(name: "device \(number % 10)"), default: 0] += 1 }
    guard counts.values.allSatisfy({ $0 == 100 }), counts.count == 10 else { fail("dictionary, round \(round)") }
    let value: Any = Device(name: "x")
    guard (value as? any Named)?.name == "x", value as? Int == nil else { fail("cast, round \(round)") }
    let sum = await withTaskGroup(of: Int.self) { group in
        for number in 0..<100 { group.addTask { number } }
        return await group.reduce(0, +)
    }
    guard sum == 4950 else { fail("tasks, round \(round)") }
}

@main struct Host {
    static func main() async {
        await useOwnRuntime(1)
        guard CommandLine.arguments.count == 2, let library = dlopen(CommandLine.arguments[1], RTLD_NOW | RTLD_GLOBAL)
        else {
            fail(dlerror().map { String(cString: $0) } ?? "usage: host LIBRARY")
        }
        func function<F>(_ name: String, _ type: F.Type) -> F {
            guard let symbol = dlsym(library, name) else { fail("no \(name)") }
            return unsafeBitCast(symbol, to: type)
        }
        let create = function("dmadev_create", (@convention(c) (UnsafePointer<CChar>) -> Int32).self)
        let close = function("dmadev_close", (@convention(c) (Int16) -> Int32).self)
        let count = function("dmadev_count_avail", (@convention(c) () -> UInt16).self)
        for round in 2...20 {
            let id = create("software,name=own\(round)")
            guard id >= 0, create("software,name=own\(round)") == -EEXIST, count() == 1 else {
                fail("create, round \(round)")
            }
            await useOwnRuntime(round)
            guard close(Int16(id)) == 0 else { fail("close, round \(round)") }
        }
        print("both work")
    }
}
