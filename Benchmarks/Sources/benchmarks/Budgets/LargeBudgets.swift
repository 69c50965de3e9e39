extension Budget {
    /// Each size and state, in the pages in which dmascope is worse.
    static let large: [Budget] = {
        var budgets: [Budget] = []
        for scene in LargeScene.all where !scene.isHuge {
            let scenes = LargeScene.all.filter { $0.mebibytes == scene.mebibytes && $0.isCold == scene.isCold }
            let size = scene.mebibytes < 1024 ? "\(scene.mebibytes) MiB" : "\(scene.mebibytes / 1024) GiB"
            budgets.append(
                Budget(
                    name: "copy \(size), \(scene.isCold ? "cold" : "warm")", peer: "best memcpy",
                    limit: .atMost(1.05, "×"),
                    computation: .largest(
                        scenes.map { scene in
                            .ratio(
                                .median("large/\(scene.name)/\(LargeScene.subject)"),
                                .smallest(LargeScene.peers.map { .median("large/\(scene.name)/\($0)") }))
                        })))
        }
        return budgets
    }()
}
