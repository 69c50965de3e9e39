import LinuxSystem
import NIOCore

/// The connections of a server, up to a maximum. When all seats are taken, a new connection gets the seat of the one that
/// has waited longest for a request, or for its client to read.
///
/// A connection whose request is in progress keeps its seat.
final class Seats: Sendable {
    /// One connection.
    struct Seat: Sendable {
        let channel: any Channel
        /// Since when nothing happens that the server is to do; `nil`: a request is in progress.
        var waitingSince: NIODeadline?
    }

    private let seats = Locked<[ObjectIdentifier: Seat]>([:])
    private let maximum: Int

    init(maximum: Int) {
        self.maximum = maximum
    }

    /// Adds a connection; closes another one, or this one if all others are in progress.
    func take(_ channel: any Channel) {
        let closed = seats.withLock { seats in
            var closed: (any Channel)?
            if seats.count >= maximum {
                let waiting = seats.values.filter { $0.waitingSince != nil }
                closed = waiting.min { ($0.waitingSince ?? .now()) < ($1.waitingSince ?? .now()) }?.channel ?? channel
            }
            seats[ObjectIdentifier(channel)] = Seat(channel: channel, waitingSince: .now())
            return closed
        }
        // Not under the lock: closing gives the seat back.
        closed?.close(promise: nil)
    }

    /// Says whether the server waits for the client now.
    func set(_ channel: any Channel, isWaiting: Bool) {
        seats.withLock { $0[ObjectIdentifier(channel)]?.waitingSince = isWaiting ? .now() : nil }
    }

    /// Removes a closed connection.
    func giveBack(_ channel: any Channel) {
        _ = seats.withLock { $0.removeValue(forKey: ObjectIdentifier(channel)) }
    }
}
