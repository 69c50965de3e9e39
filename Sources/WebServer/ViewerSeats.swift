import LinuxSystem

/// Limits how many streams there are at once.
final class ViewerSeats: Sendable {
    /// A place; it is free again when the last reference goes, whatever ended the stream.
    final class Seat: Sendable {
        private let seats: ViewerSeats

        fileprivate init(_ seats: ViewerSeats) { self.seats = seats }

        deinit { seats.taken.withLock { $0 -= 1 } }
    }

    let limit: Int
    private let taken = Locked(0)

    init(limit: Int) {
        self.limit = limit
    }

    /// A seat; `nil` when all are taken.
    func take() -> Seat? {
        let isFree = taken.withLock { taken in
            guard taken < limit else { return false }
            taken += 1
            return true
        }
        return isFree ? Seat(self) : nil
    }
}
