import Apium
import DynamicJSON

/// What a feature works with.
struct Feature: Sendable {
    let client: ApiumClient
    let queue: String
    let notes: Notes

    static let patience = Duration.seconds(30)

    /// A signature of a matrix task on the queue.
    func sig(_ name: String, _ args: JSONValue..., kwargs: [String: JSONValue] = [:]) -> Signature {
        Signature("matrix.\(name)", args: args, kwargs: kwargs).on(queue: queue)
    }

    /// Sends a canvas and waits for its value.
    func value(_ signature: Signature, _ options: EnqueueOptions = EnqueueOptions()) async throws -> JSONValue {
        try await sent(signature, options).value(within: Self.patience)
    }

    /// Sends a canvas.
    func sent(_ signature: Signature, _ options: EnqueueOptions = EnqueueOptions()) async throws -> CanvasHandle {
        guard let handle = try await client.send(signature, options) else { throw WaitedInVain(what: "a handle") }
        return handle
    }

    /// Waits until a job is in a state.
    func state(_ wanted: JobState, of handle: CanvasHandle) async throws {
        _ = try await waiting(for: "\(wanted)") { try await handle.job(as: JSONValue.self).state() == wanted ? true : nil }
    }

    /// The type of the failure that is stored for a job.
    func failureType(of handle: CanvasHandle) async throws -> JSONValue {
        .string(try await waiting(for: "a failure") { try await handle.job(as: JSONValue.self).document()?.failure?.type })
    }
}

extension ResultDocument {
    /// The failure, once there is one.
    var failure: JobFailure? { state == .failure ? JobFailure(value: result) : nil }
}

/// The features by the names of Tests/Interop/matrix_features.py.
enum Features {
    typealias Send = @Sendable (Feature) async throws -> JSONValue

    static let all: [String: Send] = calls.merging(results) { $1 }.merging(canvas) { $1 }
}
