import CPeers

/// Copies of 1 MiB to 1 GiB, compared with the best way of one thread to copy them: memcpy, `rep movsb`, or a loop with
/// stores past the caches. All run on the engine's processor, and the engine is awake: the measurement `latency` has the
/// wake-up. "Cold": before each copy the caches have neither side; a copy of 256 MiB or more is always cold. "Huge": in huge pages, where the system gives them.
func measureLargeCopies(_ session: Session) throws {
    let setting = session.setting
    let lane = try Lane(setting)
    for scene in LargeScene.all {
        guard !setting.isQuick || scene.mebibytes <= 16 else {
            session.skip(scene.name, "a quick run")
            continue
        }
        guard LargeMemory.isAvailable(byteCount: scene.mebibytes << 20) else {
            session.skip(scene.name, "too little free memory")
            continue
        }
        try measure(scene, lane, session)
    }
    try lane.end()
}

/// One size in one state.
struct LargeScene {
    let mebibytes: Int
    let isCold: Bool
    let isHuge: Bool

    /// The results of dmascope and of its peers.
    static let subject = "dmascope"
    static let peers = ["memcpy", "rep-movsb", "stream"]

    static let all = [false, true].flatMap { isHuge in
        [(1, false), (1, true), (4, false), (4, true), (16, false), (16, true), (256, false), (1024, false)].map {
            LargeScene(mebibytes: $0.0, isCold: $0.1, isHuge: isHuge)
        }
    }

    var name: String { "\(mebibytes)-MiB-\(isCold ? "cold" : "warm")-\(isHuge ? "huge" : "small")" }
    /// A copy of 1 GiB takes a tenth of a second.
    var seconds: Double { mebibytes >= 256 ? 0.001 : 0.004 }
    var rounds: Int { mebibytes >= 256 ? 5 : 11 }
}

private func measure(_ scene: LargeScene, _ lane: Lane, _ session: Session) throws {
    let setting = session.setting
    let memory = try LargeMemory(byteCount: scene.mebibytes << 20, isHuge: scene.isHuge)
    try memory.verify(lane.channel)
    var subjects = [
        Session.Subject(LargeScene.subject) {
            try memory.copy(lane.channel, isCold: scene.isCold, seconds: scene.seconds)
        }
    ]
    for (name, routine) in zip(LargeScene.peers, [CPEERS_MEMCPY, CPEERS_STRING, CPEERS_STREAM]) {
        guard cpeers_offers(routine) else {
            session.skip("\(scene.name)/\(name)", "not with this processor")
            continue
        }
        subjects.append(
            Session.Subject(name) {
                try setting.onEngineCPU {
                    try memory.copy(routine, isCold: scene.isCold, seconds: scene.seconds)
                }
            })
    }
    if !scene.isCold {
        // The first pass of each brings back into the caches what another has removed.
        subjects = subjects.map { subject in
            Session.Subject(subject.names) {
                _ = try subject.round()
                return try subject.round()
            }
        }
    }
    try setting.pinned {
        try session.inTurn(scene.name, unit: "ns", rounds: setting.isQuick ? 3 : scene.rounds, subjects)
    }
}
