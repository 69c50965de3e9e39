import Glibc

/// Repeats an attempt until it gives a value. How long that takes says nothing; what needs a minute hangs.
///
/// - Throws: what the attempt throws, and ``TestSupportError`` after a minute.
@discardableResult
public func eventually<Value>(_ what: String, _ attempt: () throws -> Value?) throws -> Value {
    let deadline = ContinuousClock.now + .seconds(60)
    repeat {
        if let value = try attempt() { return value }
        sched_yield()
    } while ContinuousClock.now < deadline
    throw TestSupportError("not within a minute: \(what)")
}

/// Repeats a look until it is true.
public func eventually(_ what: String, _ isTrue: () throws -> Bool) throws {
    try eventually(what) { () throws -> Void? in try isTrue() ? () : nil }
}
