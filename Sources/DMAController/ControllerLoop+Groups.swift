internal import ControllerProtocol
internal import DMADev
internal import DMAEngine
internal import GroupTable
internal import LinuxSystem
internal import SystemPackage

/// A window of a group.
struct OpenedWindow {
    let owner: Peer
    /// In this process.
    let address: UInt64
    /// How it is accessed; kept alive by the owner's window.
    let synchronized: SynchronizedMemory?
}

/// What was last published of a group.
struct GroupState {
    /// The devices whose maps have the group.
    var devices: Set<UInt64> = []
    /// The counters of its members.
    var traffic: [DomainHandler: TrafficCounter] = [:]
}

/// A revocation that the engine's next quiescent point completes, and the memory that it releases.
struct Withdrawal {
    let revocation: Revocation
    var windows: [(tenant: Tenant, window: Peer.Window)] = []
}

/// Access groups: requests of peers, the resulting access rights in the engine, and events to members.
extension ControllerLoop {
    // MARK: Create and join

    func enter(_ peer: Peer, _ request: EnterGroup, _ sequence: UInt32) -> Refusal? {
        guard request.group >= 0 else { return performEntry(peer, request, sequence, nil) }
        let now = MonotonicTime.now
        let admission = groups.admitJoin(request.group, by: peer.client, at: now)
        guard admission.moment > now else { return performEntry(peer, request, sequence, admission) }
        var request = request
        guard let token = groups.keep(AccessToken(request.token)) else {
            return Refusal(.noSpace, "the controller's table of delayed joins is full; try again later")
        }
        request.token = token.secret
        peer.waitingJoin = Peer.WaitingJoin(request: request, sequence: sequence, admission: admission)
        waitingJoins.insert(peer.number)
        nextJoin = min(nextJoin ?? admission.moment, admission.moment)
        return nil
    }

    /// Queues the delayed joins whose time has come.
    func queueDueJoins() {
        guard let next = nextJoin else { return }
        let now = MonotonicTime.now
        guard next <= now else { return }
        nextJoin = nil
        for number in waitingJoins {
            guard let peer = peers[number], let moment = peer.waitingJoin?.admission.moment else { continue }
            if moment <= now {
                waitingJoins.remove(number)
                queue.add(.join(number), for: peer.tenant)
            } else {
                nextJoin = min(nextJoin ?? moment, moment)
            }
        }
    }

    func performWaitingJoin(_ peer: Peer) {
        guard let join = peer.waitingJoin else { return }
        peer.waitingJoin = nil
        if let refusal = performEntry(peer, join.request, join.sequence, join.admission) {
            refuse(peer, refusal, join.sequence)
        }
    }

    private func performEntry(
        _ peer: Peer, _ request: EnterGroup, _ sequence: UInt32, _ admission: JoinAdmission?
    ) -> Refusal? {
        guard let domain = DomainID(bytes: request.domain) else {
            return Refusal(.invalidArgument, "the domain ID does not have 16 bytes")
        }
        let token = AccessToken(request.token)
        do throws(DMAError) {
            peer.client.number = request.device
            var id = request.group
            if id < 0 {
                let kind: AccessGroupKind = request.limit == 0 ? .pair : .group(limit: request.limit)
                id = try groups.create(kind, domain: domain, token: token, by: peer.client)
            } else {
                _ = try groups.join(id, domain: domain, token: token, by: peer.client, at: .now, admission: admission)
                statistics.joins += 1
            }
            peer.receivesEvents = true
            publishGroup(id)
            let info = try groups.group(id, for: peer.client)
            let entry = GroupEntered(
                group: id, handler: groups.handler(of: peer.client, in: id) ?? 0, identity: info.identity,
                domain: request.domain)
            sendMembers(of: info, to: peer, sequence)
            answer(peer, entry, sequence: sequence)
            deliver()
            return nil
        } catch {
            if error.errno == .permissionDenied {
                peer.deniedJoins += 1
                changedPeers.insert(peer.number)
                statistics.deniedJoins += 1
            }
            return Refusal(error)
        }
    }

    // MARK: Leave and destroy

    func exit(_ peer: Peer, _ request: ExitGroup, _ sequence: UInt32) -> Refusal? {
        do throws(DMAError) {
            let withdrawal = withdraw(
                request.destroys
                    ? try groups.destroy(request.group, by: peer.client)
                    : try groups.leave(request.group, by: peer.client))
            answerAfterQuiescence(peer, sequence) { [self] in complete(withdrawal) }
            return nil
        } catch {
            return Refusal(error)
        }
    }

    /// Removes what is revoked from the engine's tables.
    func withdraw(_ revocation: Revocation) -> Withdrawal {
        var withdrawal = Withdrawal(revocation: revocation)
        for window in revocation.windows {
            guard let owner = openedWindows.removeValue(forKey: window)?.owner,
                let open = owner.openWindows.removeValue(forKey: window.iova)
            else { continue }
            owner.buffers[window.iova] = nil
            changedPeers.insert(owner.number)
            withdrawal.windows.append((owner.tenant, open))
        }
        for id in revocation.groups { publishGroup(id) }
        return withdrawal
    }

    /// Releases what is revoked, after a quiescent point of the engine; then the members may be told.
    func complete(_ withdrawal: Withdrawal) {
        for (tenant, window) in withdrawal.windows { ledger.release(tenant, window.amount) }
        blockingCalls.release(withdrawal.windows.map(\.window.region.mapping))
        groups.confirm(withdrawal.revocation)
    }

    // MARK: Windows

    func open(
        _ peer: Peer, _ request: OpenWindow, _ descriptors: inout ReceivedDescriptors, _ sequence: UInt32
    ) -> Refusal? {
        let rights = WindowRights(rawValue: UInt32(request.rights))
        let mapped = map(
            &descriptors, offset: request.offset, byteCount: request.byteCount, isWritable: rights.contains(.write),
            for: peer)
        let window: Peer.Window
        switch mapped {
        case .failure(let refusal): return refusal
        case .success(let found): window = found
        }
        do throws(DMAError) {
            let opened = try groups.addWindow(
                length: request.byteCount, rights: rights, to: request.group, by: peer.client)
            peer.openWindows[opened.iova] = window
            peer.buffers[opened.iova] = PublishedState.Buffer(window)
            openedWindows[opened] = OpenedWindow(
                owner: peer, address: UInt64(UInt(bitPattern: window.region.bytes.baseAddress)),
                synchronized: window.region.synchronized)
            changedPeers.insert(peer.number)
            publishGroup(request.group)
            answerAfterPopulating(
                window, peer, WindowOpened(handler: opened.handler, iova: opened.iova), sequence: sequence)
            deliver()
            return nil
        } catch {
            ledger.release(peer.tenant, window.amount)
            blockingCalls.release([window.region.mapping])
            return Refusal(error)
        }
    }

    func close(_ peer: Peer, _ request: CloseWindow, _ sequence: UInt32) -> Refusal? {
        do throws(DMAError) {
            let withdrawal = withdraw(try groups.removeWindow(iova: request.iova, by: peer.client))
            answerAfterQuiescence(peer, sequence) { [self] in complete(withdrawal) }
            return nil
        } catch {
            return Refusal(error)
        }
    }

    /// Publishes the members and windows of one group to the engine: one table that the maps of its devices share, and a
    /// new map for each of them. Other groups cost nothing.
    private func publishGroup(_ id: AccessGroupID) {
        let before = groupStates[id] ?? GroupState()
        var state = GroupState()
        if let info = groups.group(id) {
            for member in info.members {
                state.traffic[member.handler] = before.traffic[member.handler] ?? TrafficCounter()
            }
            let table = DomainGroup(
                number: id, members: state.traffic.map { DomainGroup.Member(handler: $0.key, traffic: $0.value) },
                windows: info.members.flatMap(\.windows).compactMap { window in
                    openedWindows[window].map { DomainMap.Window(window, $0) }
                })
            statistics.rebuiltBytes += UInt64(table.byteCount)
            let domains = Dictionary(info.members.map { ($0.handler, $0.domain) }) { one, _ in one }
            for (client, handler) in groups.devices(in: id) {
                guard let peer = peers[client.device], let domain = domains[handler] else { continue }
                state.devices.insert(peer.number)
                set(
                    Peer.Membership(table: DomainMap.Membership(group: table, own: handler), domain: domain),
                    of: peer, in: id)
            }
            groupStates[id] = state
        } else {
            groupStates[id] = nil
        }
        for number in before.devices.subtracting(state.devices) {
            if let peer = peers[number] { set(nil, of: peer, in: id) }
        }
        changedGroups.insert(id)
    }

    private func set(_ membership: Peer.Membership?, of peer: Peer, in id: AccessGroupID) {
        guard let device = peer.device else { return }
        // Other changes of the group change nothing that is reported of the connection.
        if (peer.memberships[id] == nil) != (membership == nil) { changedPeers.insert(peer.number) }
        peer.memberships[id] = membership
        retire(device.domains.replace(peer.memberships.values.map(\.table)))
        statistics.publishedMaps += 1
        statistics.rebuiltBytes += UInt64(DomainMap.byteCount(groupCount: peer.memberships.count))
    }

    // MARK: Queries and events

    func describe(_ peer: Peer, _ request: ReadGroup, _ sequence: UInt32) -> Refusal? {
        do throws(DMAError) {
            sendMembers(of: try groups.group(request.group, for: peer.client), to: peer, sequence)
            answer(peer, Done(), sequence: sequence)
            return nil
        } catch {
            return Refusal(error)
        }
    }

    /// Sends the members of a group, before the answer with the same sequence.
    private func sendMembers(of info: AccessGroupInfo, to peer: Peer, _ sequence: UInt32) {
        let limit: UInt16 =
            switch info.kind {
            case .pair: 0
            case .group(let limit): limit
            }
        let members = info.members.map { member in
            GroupMember(
                domain: member.domain.bytes, handler: member.handler, isCreator: member.isCreator,
                processID: member.processID, devices: member.devices,
                windows: member.windows.map { .init(iova: $0.iova, byteCount: $0.length, rights: $0.rights.rawValue) })
        }
        for part in GroupMembers.parts(group: info.id, identity: info.identity, limit: limit, members: members) {
            guard peers[peer.number] != nil else { return }
            answer(peer, part, sequence: sequence)
        }
    }

    func check(_ peer: Peer, _ request: CheckHandler, _ sequence: UInt32) -> Refusal? {
        guard groups.mayUse(request.handler, peer.client) else { return Self.deadHandler(request.handler) }
        answer(peer, Done(), sequence: sequence)
        return nil
    }

    static func deadHandler(_ handler: UInt16) -> Refusal {
        Refusal(.invalidArgument, "handler \(handler) belongs to no current member of a group of this device")
    }

    /// Sends the events that the table has released.
    func deliver() {
        var failed: [Peer] = []
        let deliveries = groups.takeDeliveries()
        guard !deliveries.isEmpty else { return }
        publish()
        for delivery in deliveries {
            let event = delivery.event
            guard let peer = peers[delivery.client.device], !failed.contains(where: { $0 === peer }) else { continue }
            var notice = GroupChanged(
                change: event.kind.rawValue, reason: event.reason?.rawValue ?? 0, group: event.group,
                identity: event.identity, handler: event.handler, domain: event.domain.bytes,
                processID: event.processID, device: event.device)
            if let window = event.window {
                notice.window = .init(iova: window.iova, byteCount: window.length, rights: window.rights.rawValue)
            }
            if let peer = send(Packet.encode(notice, sequence: 0), to: peer) { failed.append(peer) }
        }
        // After the loop: a dropped peer causes events, which must follow these.
        for peer in failed { drop(peer) }
    }
}

extension DomainMap.Window {
    fileprivate init(_ window: DomainWindow, _ opened: OpenedWindow) {
        self.init(
            handler: window.handler, isReadable: window.rights.contains(.read),
            isWritable: window.rights.contains(.write), iova: window.iova, byteCount: window.length,
            address: opened.address, synchronized: opened.synchronized.map { .passUnretained($0) })
    }
}

extension Refusal {
    init(_ error: DMAError) {
        self.init(error.errno, error.message)
    }
}
