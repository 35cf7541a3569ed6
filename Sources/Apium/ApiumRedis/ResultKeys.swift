/// The names of results, groups and chords: Celery's.
struct ResultKeys: Sendable, Hashable {
    private let prefix: String

    /// Celery puts an underscore behind a prefix that doesn't end in one of `:_-.`.
    init(_ prefix: String) {
        guard let last = prefix.last else {
            self.prefix = ""
            return
        }
        self.prefix = ":_-.".contains(last) ? prefix : prefix + "_"
    }

    /// `celery-task-meta-<id>` · string · owner: workers · end: `result_expires`. Also the channel of its publication.
    func task(_ id: String) -> String { "\(prefix)celery-task-meta-\(id)" }

    /// `celery-taskset-meta-<group>` · string · owner: senders · end: `result_expires`. The saved result tuple of a group.
    func group(_ id: String) -> String { "\(prefix)celery-taskset-meta-\(id)" }

    /// `….j` · zset of parts by place, or list · owner: workers · end: the join, or `result_chord_expires`.
    func parts(_ group: String) -> String { self.group(group) + ".j" }

    /// `….t` · number of parts expected beyond the size · owner: workers (`add_to_chord`) · end: as `.j`.
    func more(_ group: String) -> String { self.group(group) + ".t" }

    /// `….s` · number of parts that complete the chord · owner: the sender · end: as `.j`.
    func size(_ group: String) -> String { self.group(group) + ".s" }

    /// `….d` · set of `<id>:<place>`, the parts that were counted · owner: workers · end: as `.j`.
    func seen(_ group: String) -> String { self.group(group) + ".d" }

    /// `….c` · token of who joins, then `done` · owner: workers · end: twice the join timeout, 5 s at least; `done` 300 s at least.
    func claim(_ group: String) -> String { self.group(group) + ".c" }
}
