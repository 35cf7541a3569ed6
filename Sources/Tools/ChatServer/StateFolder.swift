import Foundation
import Logging
import NIOPosix
import ServiceLifecycle

/// Keeps the chats in a folder, so that the server can be started again without anybody losing a conversation: `chats.json`, and one file per picture.
struct StateFolder: Sendable {
    let folder: URL

    private var snapshotFile: URL { folder.appendingPathComponent("chats.json") }
    private func file(_ id: String) -> URL { folder.appendingPathComponent("files").appendingPathComponent(id) }

    /// Reads what is there; a missing folder is an empty one. A picture that is gone is left out.
    func load(into world: inout ChatWorld) throws {
        try FileManager.default.createDirectory(at: folder.appendingPathComponent("files"), withIntermediateDirectories: true)
        guard let bytes = try? Data(contentsOf: snapshotFile) else { return }
        let snapshot = try JSONDecoder().decode(ChatSnapshot.self, from: bytes)
        world.restore(snapshot)
        for stored in snapshot.files {
            if let bytes = try? Data(contentsOf: file(stored.id)) { world.files.restore(stored, bytes) }
        }
    }

    /// Writes the snapshot whole or not at all, after the pictures that it names; removes the pictures that it no longer names.
    func save(_ world: ChatWorld) throws {
        let snapshot = world.snapshot
        let kept = Set(snapshot.files.map(\.id))
        let there = Set((try? FileManager.default.contentsOfDirectory(atPath: folder.appendingPathComponent("files").path)) ?? [])
        for id in kept.subtracting(there) {
            if let bytes = world.files.file(id)?.bytes { try bytes.write(to: file(id), options: .atomic) }
        }
        try JSONEncoder().encode(snapshot).write(to: snapshotFile, options: .atomic)
        for id in there.subtracting(kept) { try? FileManager.default.removeItem(at: file(id)) }
    }
}

/// Saves shortly after each change, and a last time at shutdown.
struct StateKeeper: Service {
    let hub: ChatHub
    let state: StateFolder
    let logger: Logger

    func run() async throws {
        let (id, events) = await hub.look()
        await cancelWhenGracefulShutdown {
            var saved = 0
            for await _ in events where await hub.changes != saved {
                // A burst of changes is one write.
                try? await Task.sleep(for: .milliseconds(300))
                if Task.isCancelled { return }
                saved = await hub.changes
                await save()
            }
        }
        await hub.lookedAway(id)
        if Task.isCancelled { return }
        await save()
    }

    private func save() async {
        let world = await hub.world
        let state = state
        do {
            try await NIOThreadPool.singleton.runIfActive { try state.save(world) }
        } catch {
            logger.error("the chats could not be saved", metadata: ["error": "\(error)"])
        }
    }
}
