import ApiumCore
import Dispatch
import DynamicJSON
import Foundation
import Logging

/// Tasks that only compute, wait, write a file or fail.
extension SuiteTasks {
    mutating func registerPlainTasks() {
        registry.register("celery.ping", options: .suite) { _, _ in "pong" }
        registerArithmetic()
        registerWaits()
        registerFailures()
    }

    private mutating func registerArithmetic() {
        task("identity", ["x"]) { $0["x"] }
        task("add", ["x", "y", .optional("z")]) { call in
            let sum = try PythonArithmetic.add(call["x"], call["y"])
            return PythonArithmetic.isTrue(call["z"]) ? try PythonArithmetic.add(sum, call["z"]) : sum
        }
        task("mul", ["x", "y"]) { try PythonArithmetic.multiply($0["x"], $0["y"]) }
        for (name, ignored) in [("add_not_typed", false), ("add_ignore_result", true), ("add_with_result", false)] {
            task(name, ["x", "y"], options: .suite { $0.ignoreResult = ignored }) { try PythonArithmetic.add($0["x"], $0["y"]) }
        }
        task("tsum", ["nums"]) { try PythonArithmetic.sum($0["nums"]) }
        task("xsum", ["nums"]) { call in
            guard case .array(let elements) = call["nums"] else { return try PythonArithmetic.sum(call["nums"]) }
            return try PythonArithmetic.sum(.array(elements.map { if case .array = $0 { try PythonArithmetic.sum($0) } else { $0 } }))
        }
        for name in ["add_pydantic", "add_pydantic_string_annotations"] {
            task(name, ["data"]) { call in
                guard let x = call["data"]["x"]?.intValue, let y = call["data"]["y"]?.intValue else {
                    throw JobFailure(type: "ValueError", arguments: ["data is no object of two integers, x and y"])
                }
                return ["result": try PythonArithmetic.add(.int(x), .int(y))]
            }
        }
        task("write_to_file_and_return_int", ["file_name", "i"]) { call in
            guard let path = call["file_name"].stringValue else { throw JobFailure(type: "TypeError", arguments: ["file_name is no text"]) }
            try await Self.append("\(PythonText.text(call["i"]))\n", toFile: path)
            return call["i"]
        }
        task("replaced_with_me") { _ in true }
    }

    private mutating func registerWaits() {
        task("delayed_sum", ["numbers", .optional("pause_time", 1)]) { call in
            try await call.pause(call["pause_time"])
            return try PythonArithmetic.sum(call["numbers"])
        }
        task("sleeping", Parameters(["i"], keywords: true)) { call in
            try await call.pause(call["i"])
            return .null
        }
        let texts: Parameters = [.optional("log_message", "håå®ƒ valmuefrø"), .optional("print_message", "hiöäüß")]
        let show: @Sendable (BoundArguments, Logger) -> Void = { arguments, logger in
            logger.warning("\(arguments["log_message"].stringValue ?? arguments["log_message"].text)")
            print(arguments["print_message"].stringValue ?? arguments["print_message"].text)
        }
        let logger = logger
        task("print_unicode", texts, errback: Self.inline(texts, of: "print_unicode") { show($0, logger) }) { call in
            show(call.arguments, call.context.logger)
            return .null
        }
    }

    private mutating func registerFailures() {
        task("return_exception", ["e"]) { [$0["e"], true] }
        task("raise_error", .rest) { _ in throw JobFailure(type: "ValueError", arguments: ["deliberate error"]) }
        let fail: @Sendable (BoundArguments) throws -> Never = { throw JobFailure.ofSuite("ExpectedException", ["Task expected to fail"] + $0.rest) }
        task("fail", .rest, errback: Self.inline(.rest, of: "fail") { try fail($0) }) { try fail($0.arguments) }
        task("fail_unpickleable", ["foo", "bar"]) { throw JobFailure.ofSuite("UnpickleableException", [$0["foo"]]) }
    }

    /// Appends to a file, on a thread that may block.
    private static func append(_ text: String, toFile path: String) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            DispatchQueue.global().async {
                continuation.resume(
                    with: Result {
                        if !FileManager.default.fileExists(atPath: path) { _ = FileManager.default.createFile(atPath: path, contents: nil) }
                        let file = try FileHandle(forWritingTo: URL(filePath: path))
                        defer { try? file.close() }
                        try file.seekToEnd()
                        try file.write(contentsOf: Data(text.utf8))
                    })
            }
        }
    }
}

extension SuiteCall {
    /// Waits so many seconds; a soft time limit ends the wait.
    func pause(_ seconds: JSONValue) async throws {
        guard let seconds = seconds.doubleValue, seconds >= 0 else { throw JobFailure(type: "TypeError", arguments: ["a pause takes seconds, not negative"]) }
        try await context.sleep(for: .seconds(seconds))
    }
}
