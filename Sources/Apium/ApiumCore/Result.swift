import DynamicJSON

/// A task's state as Celery names it; any other text is a custom state.
public struct JobState: RawRepresentable, Sendable, Hashable, Codable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// Celery's text.
    public var rawValue: String

    /// Makes a state of its text.
    public init(rawValue: String) { self.rawValue = rawValue }

    /// Makes a custom state.
    public init(stringLiteral value: String) { rawValue = value }

    /// Waiting, or unknown: never stored.
    public static let pending = JobState(rawValue: "PENDING")
    /// A worker has it.
    public static let received = JobState(rawValue: "RECEIVED")
    /// It runs.
    public static let started = JobState(rawValue: "STARTED")
    /// It ended well.
    public static let success = JobState(rawValue: "SUCCESS")
    /// It failed for good.
    public static let failure = JobState(rawValue: "FAILURE")
    /// It failed and will run again.
    public static let retry = JobState(rawValue: "RETRY")
    /// It was cancelled, or expired.
    public static let revoked = JobState(rawValue: "REVOKED")
    /// It was refused.
    public static let rejected = JobState(rawValue: "REJECTED")
    /// It asked not to be stored.
    public static let ignored = JobState(rawValue: "IGNORED")

    /// Whether nothing more will happen: SUCCESS, FAILURE or REVOKED (Celery's READY_STATES).
    public var isReady: Bool { self == .success || self == .failure || self == .revoked }

    /// Whether the document's result is an exception: RETRY, FAILURE or REVOKED (Celery's EXCEPTION_STATES).
    public var isException: Bool { self == .retry || self == .failure || self == .revoked }

    public var description: String { rawValue }
}

/// The document under `celery-task-meta-<id>`; celery-wire's 6.3.
public struct ResultDocument: Sendable, Hashable {
    /// The task's id.
    public var id: String
    /// Its state.
    public var state: JobState
    /// The value, the progress of a custom state, or the encoded exception (``JobFailure/value``).
    public var result: JSONValue
    /// Free text.
    public var traceback: String?
    /// When it ended; only for ready states.
    public var dateDone: Timestamp?
    /// Result tuples of what it sent; `nil` outside a task.
    public var children: [JSONValue]?
    /// The group's id.
    public var groupID: String?
    /// The sender's id.
    public var parentID: String?
    /// `name`, `args`, `kwargs`, `worker`, `retries`, `queue` (`result_extended`), stamps, and what else a reader finds.
    public var extra: [String: JSONValue]

    /// Makes a document.
    public init(
        id: String, state: JobState, result: JSONValue = .null, traceback: String? = nil, dateDone: Timestamp? = nil, children: [JSONValue]? = nil,
        groupID: String? = nil, parentID: String? = nil, extra: [String: JSONValue] = [:]
    ) {
        self.id = id
        self.state = state
        self.result = result
        self.traceback = traceback
        self.dateDone = dateDone
        self.children = children
        self.groupID = groupID
        self.parentID = parentID
        self.extra = extra
    }
}

/// Where results are kept and waited for.
public protocol ResultBackend: Sendable {
    /// Stores and publishes a document, unless SUCCESS is stored already: a late failure never overwrites it. Used for
    /// states on the way (STARTED, progress) and where broker and backend are different servers; the end of a job on one
    /// server travels with ``BrokerSession/complete(_:)``.
    func store(_ document: ResultDocument) async throws

    /// The stored document, or `nil`: waiting, unknown or expired.
    func document(for id: String) async throws -> ResultDocument?

    /// Waits by subscription until the task is in a ready state; answers `nil` when `timeout` has passed first.
    func wait(for id: String, within timeout: Duration) async throws -> ResultDocument?

    /// Deletes a result.
    func forget(_ id: String) async throws

    // MARK: Groups and chords

    /// The stored documents, in the order of the ids; in one round trip.
    func documents(for ids: [String]) async throws -> [ResultDocument?]

    /// Keeps a group's result tuple under its id, Celery's `GroupResult.save`.
    func saveGroup(_ id: String, _ tuple: JSONValue) async throws

    /// The saved result tuple of a group, or `nil`.
    func savedGroup(_ id: String) async throws -> JSONValue?

    /// Makes chords ready to count, before the last message of their headers is sent: forgets an earlier run that was joined or given
    /// up, writes the size. A run that is under way goes on with what it has: opening a chord again, and late, does no harm.
    func open(_ chords: [ChordSetup]) async throws

    /// Expects so many parts more than the size said: Celery's `add_to_chord`.
    func expectMore(_ count: Int, partsOf group: String) async throws

    /// Brings parts; answers the claims of the chords that are complete with them. Parts are counted by id: bringing one
    /// again changes nothing. Where broker and backend are one server this travels with ``BrokerSession/complete(_:)``.
    func bring(_ parts: [ChordPart]) async throws -> [ChordClaim]

    /// Takes up a join that its claimer did not finish: true when the chord is complete and the claim is the caller's now.
    func resume(_ claim: ChordClaim) async throws -> Bool

    /// What the parts of a chord were, in order; with the saved group when its header holds groups.
    func content(of group: String) async throws -> ChordContent

    /// Ends a join: the chord's keys go, and late parts are recognised. False when the claim is no longer the caller's. Where
    /// broker and backend are one server this travels with ``BrokerSession/complete(_:)``.
    func close(_ claim: ChordClaim) async throws -> Bool

    /// Gives a chord up after an error: only its size goes, the parts stay to be read until they expire.
    func abandon(_ group: String) async throws
}

/// A failure as it is stored: Celery's `exc_type`, `exc_message`, `exc_module`.
public struct JobFailure: Error, Sendable, Hashable, CustomStringConvertible {
    /// The class's name, for example `ValueError`.
    public var type: String
    /// The constructor's arguments.
    public var arguments: [JSONValue]
    /// The class's module: `builtins` for Python's own, `celery.exceptions`, or one of the job's author.
    public var module: String

    /// Makes a failure.
    public init(type: String, arguments: [JSONValue] = [], module: String = "builtins") {
        self.type = type
        self.arguments = arguments
        self.module = module
    }

    /// The failure of any Swift error: its type's name, its text as the one argument. A ``JobFailure`` stays itself.
    public init(_ error: any Error) {
        if let failure = error as? JobFailure {
            self = failure
        } else if let failure = error as? any JobFailureConvertible {
            self = failure.jobFailure
        } else {
            self.init(type: String(describing: Swift.type(of: error)), arguments: [.string(String(describing: error))], module: "swift")
        }
    }

    /// The stored form.
    public var value: JSONValue {
        .object(["exc_type": .string(type), "exc_message": .array(arguments), "exc_module": .string(module)])
    }

    /// Reads the stored form; an `exc_message` that is no list is taken as the one argument. `nil` when it is none.
    public init?(value: JSONValue) {
        guard case .object(let object) = value, case .string(let type)? = object["exc_type"] else { return nil }
        let arguments: [JSONValue]
        switch object["exc_message"] {
        case .array(let list)?: arguments = list
        case .some(let single): arguments = [single]
        case nil: arguments = []
        }
        var module = "builtins"
        if case .string(let text)? = object["exc_module"] { module = text }
        self.init(type: type, arguments: arguments, module: module)
    }

    public var description: String {
        let texts = arguments.map { argument in if case .string(let text) = argument { text } else { argument.text } }
        return texts.isEmpty ? type : "\(type): \(texts.joined(separator: ", "))"
    }
}

/// An error that says how it is stored, so that Python raises the right class and Swift can match it.
public protocol JobFailureConvertible: Error {
    /// The stored form.
    var jobFailure: JobFailure { get }
}
