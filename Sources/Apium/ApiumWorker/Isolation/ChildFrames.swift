import ApiumCore
import DynamicJSON

/// What the worker says to a child process.
enum ParentFrame: Sendable, Hashable {
    /// Run this job.
    case run(ChildRun)
    /// Tell the job of this number to stop, for this reason.
    case cancel(UInt64, CancelReason)
    /// The answer to what the job of the first number asked; the second is the question's.
    case answer(UInt64, question: UInt64, ChildAnswer)
    /// End: no job is under way.
    case stop
}

/// A job as it is handed to a child: the message as it stood on its list, and what the worker knows of it.
struct ChildRun: Sendable, Hashable {
    /// The number of the run: answers name it.
    var number: UInt64
    /// The queue it came from.
    var queue: String
    /// The delivery's fence.
    var fence: Int64
    /// The message.
    var payload: [UInt8]
}

/// Why a job in a child is told to stop.
enum CancelReason: String, Sendable, Hashable {
    /// Its soft time limit has passed.
    case softLimit = "soft limit"
    /// The worker stops, or the job is another worker's now: its end will not be asked for.
    case abandoned
}

/// What a child process says to the worker.
enum ChildFrame: Sendable, Hashable {
    /// It takes jobs.
    case ready(pid: Int32)
    /// It has taken up the job of this number: from here on its death is the job's.
    case begun(UInt64)
    /// The job of this number asks something of the worker.
    case ask(UInt64, question: UInt64, ChildQuestion)
    /// The job of this number has ended; the child then has so many KiB in memory.
    case done(UInt64, outcome: JSONValue, residentKiB: Int)
}

/// Bytes that are no frame of the other side: whoever sent them is not to be trusted any more.
struct FrameGarbage: Error, Hashable, CustomStringConvertible {
    var description: String
}

extension ParentFrame {
    /// The payload of the frame.
    var encoded: [UInt8] {
        switch self {
        case .run(let run):
            var text: [UInt8] = []
            Base64.encode(run.payload, into: &text)
            let members: [String: JSONValue] = [
                "frame": "run", "number": .int(Int64(run.number)), "queue": .string(run.queue), "fence": .int(run.fence),
                "message": .string(String(decoding: text, as: UTF8.self)),
            ]
            return JSONValue.object(members).encoded()
        case .cancel(let number, let reason):
            return JSONValue.object(["frame": "cancel", "number": .int(Int64(number)), "reason": .string(reason.rawValue)]).encoded()
        case .answer(let number, let question, let answer):
            return JSONValue.object(["frame": "answer", "number": .int(Int64(number)), "question": .int(Int64(question)), "answer": answer.json]).encoded()
        case .stop: return JSONValue.object(["frame": "stop"]).encoded()
        }
    }

    /// Reads a payload.
    init(payload: [UInt8]) throws {
        let members = try JSONValue(parsing: payload, limits: ChildFrame.limits)
        switch members["frame"]?.stringValue {
        case "run":
            guard let queue = members["queue"]?.stringValue, let fence = members["fence"]?.intValue, let text = members["message"]?.stringValue,
                let message = Base64.decode(Array(text.utf8))
            else { throw FrameGarbage(description: "a run frame lacks its queue, fence or message") }
            self = .run(ChildRun(number: try members.runNumber, queue: queue, fence: fence, payload: message))
        case "cancel":
            guard let reason = members["reason"]?.stringValue.flatMap(CancelReason.init) else {
                throw FrameGarbage(description: "a cancel frame gives no reason that is known")
            }
            self = .cancel(try members.runNumber, reason)
        case "answer": self = .answer(try members.runNumber, question: try members.number("question"), try ChildAnswer(json: members["answer"] ?? .null))
        case "stop": self = .stop
        default: throw FrameGarbage(description: "a frame of a kind that a worker does not send")
        }
    }
}

extension ChildFrame {
    /// As deep as a result may be, and the frame around it.
    static let limits = JSONLimits(bytes: FrameReader.limit, depth: 1000)

    /// The payload of the frame.
    var encoded: [UInt8] {
        switch self {
        case .ready(let pid): JSONValue.object(["frame": "ready", "pid": .int(Int64(pid))]).encoded()
        case .begun(let number): JSONValue.object(["frame": "begun", "number": .int(Int64(number))]).encoded()
        case .ask(let number, let question, let content):
            JSONValue.object(["frame": "ask", "number": .int(Int64(number)), "question": .int(Int64(question)), "content": content.json]).encoded()
        case .done(let number, let outcome, let resident):
            JSONValue.object(["frame": "done", "number": .int(Int64(number)), "outcome": outcome, "resident": .int(Int64(resident))]).encoded()
        }
    }

    /// Reads a payload.
    init(payload: [UInt8]) throws {
        let members = try JSONValue(parsing: payload, limits: Self.limits)
        switch members["frame"]?.stringValue {
        case "ready":
            guard let pid = members["pid"]?.intValue.flatMap(Int32.init(exactly:)) else { throw FrameGarbage(description: "a ready frame names no process") }
            self = .ready(pid: pid)
        case "begun": self = .begun(try members.runNumber)
        case "ask": self = .ask(try members.runNumber, question: try members.number("question"), try ChildQuestion(json: members["content"] ?? .null))
        case "done":
            guard let outcome = members["outcome"], let resident = members["resident"]?.intValue.flatMap(Int.init(exactly:)), resident >= 0 else {
                throw FrameGarbage(description: "a done frame lacks its outcome or the memory in use")
            }
            self = .done(try members.runNumber, outcome: outcome, residentKiB: resident)
        default: throw FrameGarbage(description: "a frame of a kind that a child does not send")
        }
    }
}

extension JSONValue {
    fileprivate var runNumber: UInt64 { get throws { try number("number") } }

    fileprivate func number(_ member: String) throws -> UInt64 {
        guard let number = self[member]?.intValue.flatMap(UInt64.init(exactly:)) else { throw FrameGarbage(description: "a frame has no \(member)") }
        return number
    }
}
