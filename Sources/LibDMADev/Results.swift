internal import CLibDMADev
internal import DMADev
internal import Glibc
internal import SystemPackage

/// Runs a call that cannot fail; `errno` stays as it is.
func value<Value>(_ body: () -> Value) -> Value {
    let saved = errno
    defer { errno = saved }
    return body()
}

/// Runs a control call for C: its number, or a negative errno and the sentence in `dmadev_error()`. `errno` stays as it
/// is.
func result(_ body: () throws(DMAError) -> Int) -> Int32 {
    value {
        do throws(DMAError) {
            return Int32(clamping: try body())
        } catch {
            clibdmadev_set_error(error.message)
            return -error.errno.rawValue
        }
    }
}

/// The same for a call that needs the devices.
func result(_ body: (Library) throws(DMAError) -> Int) -> Int32 {
    result { () throws(DMAError) in try body(.shared) }
}

/// Runs a control call without a number.
func outcome(_ body: () throws(DMAError) -> Void) -> Int32 {
    result { () throws(DMAError) in
        try body()
        return 0
    }
}

/// The same for a call that needs the devices.
func outcome(_ body: (Library) throws(DMAError) -> Void) -> Int32 {
    outcome { () throws(DMAError) in try body(.shared) }
}

/// Runs a control call of a device.
func onDevice(_ id: Int16, _ body: (DMADevice, Library) throws(DMAError) -> Void) -> Int32 {
    outcome { library throws(DMAError) in try body(try library.device(id), library) }
}

func invalid(_ message: String) -> DMAError { DMAError(.invalidArgument, .invalidArgument, message) }

/// An argument that C callers must give.
func required<Pointer>(_ pointer: Pointer?, _ name: String) throws(DMAError) -> Pointer {
    guard let pointer else { throw invalid("\(name) is NULL") }
    return pointer
}

/// Writes a prefix of values to an array of a C caller; returns the number of values.
func write<Value>(_ values: [Value], to array: UnsafeMutablePointer<Value>?, _ capacity: Int) throws(DMAError) -> Int {
    guard capacity > 0 else { return values.count }
    let array = try required(array, "the array")
    for (index, value) in values.prefix(capacity).enumerated() { (array + index).initialize(to: value) }
    return values.count
}
