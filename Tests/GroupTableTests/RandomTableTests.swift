import DMADev
import LinuxSystem
import SystemPackage
import TestSupport
import Testing

@testable import GroupTable

/// A table and its model, side by side through random lives.
@Suite struct RandomTableTests {
    static let groupCount = 4
    static let handlerCount: DomainHandler = 14

    @Test("Through random lives the table does what the model does: who is in, by what number, who hears what")
    func lives() throws {
        var random = SeededGenerator(for: "random tables")
        var deliveredCount = 0
        for _ in 0..<60 {
            var life = try Life()
            for _ in 0..<400 { life.step(&random) }
            life.end()
            deliveredCount += life.deliveredCount
        }
        #expect(deliveredCount > 1000, "a life where nothing happens tests nothing")
    }

    /// One table's life.
    private struct Life {
        var table: AccessGroupTable
        var model = TableModel(groupCount: groupCount, handlerCount: Int(handlerCount))
        var revocations: [Int: Revocation] = [:]
        var revocationCount = 0
        var tokens: [AccessGroupID: AccessToken] = [:]
        var deliveredCount = 0
        let now = MonotonicTime(nanoseconds: 1)

        init() throws {
            table = try AccessGroupTable(
                limits: AccessGroupLimits(groupCount: UInt16(groupCount), waitingJoins: 0),
                highestHandler: handlerCount)
        }

        mutating func step(_ random: inout SeededGenerator) {
            let client = AccessGroupClient.process(
                .random(in: 1...4, using: &random), device: .random(in: 0...1, using: &random))
            let id = AccessGroupID.random(in: 0..<AccessGroupID(groupCount), using: &random)
            let domain = DomainID.numbered(.random(in: 1...6, using: &random))
            switch Int.random(in: 0..<24, using: &random) {
            case 0...2: create(client, domain, limit: .random(in: 2...4, using: &random))
            case 3...9: join(id, client, domain, isRight: .random(in: 0..<8, using: &random) > 0)
            case 10...11: leave(id, client)
            case 12: destroy(id, client)
            case 13: depart(client)
            case 14...15: hold(.random(in: 0...handlerCount, using: &random), client)
            case 16: release(.random(in: 0...handlerCount, using: &random))
            case 17...18: confirm(revocations.keys.sorted().randomElement(using: &random))
            case 19...21: open(id, client)
            case 22: close(model.windows.randomElement(using: &random)?.iova ?? 0, client)
            default: listen()
            }
            compare()
        }

        mutating func end() {
            for number in revocations.keys.sorted() { confirm(number) }
            listen()
            for stay in model.stays where !stay.isOver { #expect(stay.heard == stay.events.count) }
        }

        private mutating func create(_ client: AccessGroupClient, _ domain: DomainID, limit: UInt16) {
            var expected: Errno?
            if model.seats.count + model.ending.count == groupCount { expected = .noSpace }
            if model.takenHandlers.count == Int(handlerCount) { expected = .noSpace }
            let token = AccessToken.random()
            let id = result(expected) { () throws(DMAError) in
                try table.create(.group(limit: limit), domain: domain, token: token, by: client)
            }
            guard let id else { return }
            #expect(model.seats[id] == nil && model.ending[id] == nil)
            tokens[id] = token
            model.seats[id] = [.init(domain: domain, process: client.process, devices: [client.number])]
            model.limits[id] = Int(limit)
            model.sit(client, in: id)
            take(domain, id, client)
        }

        private mutating func join(
            _ id: AccessGroupID, _ client: AccessGroupClient, _ domain: DomainID, isRight: Bool
        ) {
            let seats = model.seats[id]
            let same = seats?.firstIndex { $0.domain == domain }
            var expected: Errno?
            if let seats, isRight {
                if model.seat(client, in: id) != nil {
                    expected = .fileExists
                } else if let same {
                    if seats[same].process != client.process { expected = .fileExists }
                } else if seats.count == model.limits[id] || model.takenHandlers.count == Int(handlerCount) {
                    expected = .noSpace
                }
            } else {
                expected = .permissionDenied
            }
            let token = isRight ? tokens[id] ?? .random() : .random()
            let handler = result(expected) { () throws(DMAError) in
                try table.join(id, domain: domain, token: token, by: client, at: now)
            }
            guard let handler else { return }
            if let same {
                #expect(handler == model.handlers[id]?[domain])
                if let seat = model.seats[id]?[same] { model.tell(.deviceJoined, seat, in: id) }
                model.seats[id]?[same].devices.append(client.number)
            } else {
                let seat = TableModel.Seat(domain: domain, process: client.process, devices: [client.number])
                model.tell(.joined, seat, in: id)
                model.seats[id]?.append(seat)
                take(domain, id, client)
            }
            model.sit(client, in: id)
        }

        /// Notes a handler that the table has given out.
        private mutating func take(_ domain: DomainID, _ id: AccessGroupID, _ client: AccessGroupClient) {
            let handler = (try? table.group(id, for: client))?.members.first { $0.domain == domain }?.handler ?? 0
            #expect(handler != 0)
            #expect(!model.takenHandlers.contains(handler), "handler \(handler) is in use")
            model.handlers[id, default: [:]][domain] = handler
        }

        private mutating func leave(_ id: AccessGroupID, _ client: AccessGroupClient) {
            var expected: Errno?
            let index = model.seat(client, in: id)
            if index == nil { expected = .permissionDenied }
            if index == 0, model.seats[id]?[0].devices.first == client.number { expected = .notPermitted }
            let revocation = result(expected) { () throws(DMAError) in try table.leave(id, by: client) }
            if let revocation { revoke(revocation, model.stand(client, from: id), []) }
        }

        private mutating func destroy(_ id: AccessGroupID, _ client: AccessGroupClient) {
            var expected: Errno?
            if let index = model.seat(client, in: id) {
                if (model.seats[id]?.count ?? 0) > 1 { expected = .resourceBusy }
                if index > 0 || model.seats[id]?[0].devices.first != client.number { expected = .notPermitted }
            } else {
                expected = .permissionDenied
            }
            let revocation = result(expected) { () throws(DMAError) in try table.destroy(id, by: client) }
            guard let revocation else { return }
            revoke(revocation, model.stand(client, from: id), [id])
        }

        private mutating func open(_ id: AccessGroupID, _ client: AccessGroupClient) {
            let index = model.seat(client, in: id)
            let window = result(index == nil ? .permissionDenied : nil) { () throws(DMAError) in
                try table.addWindow(length: 1, rights: .read, to: id, by: client)
            }
            guard let window, let index, let seat = model.seats[id]?[index] else { return }
            #expect(window.handler == model.handlers[id]?[seat.domain])
            model.windows.append((window.iova, id, client))
            model.tell(.windowOpened, seat, in: id, by: client)
        }

        private mutating func close(_ iova: UInt64, _ client: AccessGroupClient) {
            let place = model.windows.firstIndex { $0.iova == iova && $0.owner == client }
            let revocation = result(place == nil ? .invalidArgument : nil) { () throws(DMAError) in
                try table.removeWindow(iova: iova, by: client)
            }
            guard let revocation, let place else { return }
            let id = model.windows.remove(at: place).group
            #expect(revocation.windows.map(\.iova) == [iova])
            if let index = model.seat(client, in: id), let seat = model.seats[id]?[index] {
                model.tell(.windowClosed, seat, in: id, by: client)
            }
            revoke(revocation, [], [])
        }

        private mutating func depart(_ client: AccessGroupClient) {
            let revocation = table.depart(client)
            var dead: [DomainHandler] = []
            var ended: [AccessGroupID] = []
            for id in model.seats.keys.sorted() {
                dead += model.stand(client, from: id)
                if model.seats[id] == nil { ended.append(id) }
            }
            for index in model.stays.indices where model.stays[index].client == client {
                model.stays[index].isOver = true
            }
            revoke(revocation, dead, ended)
        }

        private mutating func revoke(_ revocation: Revocation, _ dead: [DomainHandler], _ ended: [AccessGroupID]) {
            #expect(Set(revocation.handlers) == Set(dead))
            revocationCount += 1
            revocations[revocationCount] = revocation
            model.open[revocationCount] = dead
            for id in ended { model.ending[id] = revocationCount }
        }

        private mutating func confirm(_ number: Int?) {
            guard let number, let revocation = revocations.removeValue(forKey: number) else { return }
            table.confirm(revocation)
            model.open[number] = nil
            // An end is out when all that came before it in its group is; the table knows, and may keep the number longer.
            model.ending = model.ending.filter { id, _ in table.groups[id] != nil }
        }

        private mutating func hold(_ handler: DomainHandler, _ client: AccessGroupClient) {
            let mayUse = model.handlers.contains { id, handlers in
                handlers.values.contains(handler) && model.seat(client, in: id) != nil
            }
            #expect(table.mayUse(handler, client) == mayUse)
            let isHeld = table.hold(handler, by: client)
            #expect(isHeld == mayUse)
            if isHeld { model.holds[handler, default: 0] += 1 }
        }

        private mutating func release(_ handler: DomainHandler) {
            table.release(handler)
            model.holds[handler] = model.holds[handler].flatMap { $0 > 1 ? $0 - 1 : nil }
        }

        private mutating func listen() {
            for delivery in table.takeDeliveries() {
                deliveredCount += 1
                #expect(model.hear(delivery) == nil)
            }
        }

        private func compare() {
            let groups = table.allGroups
            let windows = groups.flatMap(\.members).flatMap(\.windows)
            #expect(windows.map(\.iova).sorted() == model.windows.map(\.iova).sorted())
            // None goes without a record.
            #expect(
                table.log.count(of: .windowOpened) - table.log.count(of: .windowClosed) == UInt64(windows.count))
            #expect(
                table.log.count(of: .created) - table.log.count(of: .destroyed) == UInt64(groups.count))
            #expect(groups.map(\.id) == model.seats.keys.sorted())
            for group in groups {
                #expect(group.members.map(\.domain) == model.seats[group.id]?.map(\.domain))
                #expect(group.members.map(\.devices) == model.seats[group.id]?.map(\.devices))
                for member in group.members { #expect(member.handler == model.handlers[group.id]?[member.domain]) }
            }
        }

        /// What a call gives, where it gives what is expected.
        private func result<R>(_ expected: Errno?, _ body: () throws(DMAError) -> R) -> R? {
            do throws(DMAError) {
                let value = try body()
                #expect(expected == nil)
                return value
            } catch {
                #expect(error.errno == expected, "\(error)")
                return nil
            }
        }
    }
}
