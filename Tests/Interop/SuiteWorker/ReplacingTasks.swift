import ApiumCore
import DynamicJSON

/// Tasks that let others take their place.
extension SuiteTasks {
    mutating func registerReplacingTasks() {
        registerReplacedByOne()
        registerReplacedByChains()
        registerSecondOrder()
    }

    private mutating func registerReplacedByOne() {
        task("add_replaced", ["x", "y"]) { call in try await call.context.replace(with: .suite("add", [call["x"], call["y"]])) }
        task("fail_replaced", .rest) { call in try await call.context.replace(with: .suite("fail", call.arguments.rest, immutable: true)) }
        task("add_to_all", ["nums", "val"]) { call in
            try await call.context.replace(with: .group(call.list("nums").map { .suite("add", [$0, call["val"]]) }))
        }
        task("record_replaced_task_nesting", ["replacements", .optional("nesting")]) { call in
            let nesting = (call["nesting"].arrayValue ?? []) + [.int(Int64(call.context.message.headers.replacedTaskNesting))]
            guard PythonArithmetic.isTrue(call["replacements"]) else { return .array(nesting) }
            let rest = try PythonArithmetic.add(call["replacements"], -1)
            try await call.context.replace(with: .suite("record_replaced_task_nesting", [rest, .array(nesting)]))
        }
        task("replace_with_stamped_task", [.optional("replace_with")]) { call in
            var replacement = call["replace_with"].isNull ? .suite("replaced_with_me") : try Signature(json: call["replace_with"])
            replacement.options["stamped_headers"] = ["StampOnReplace"]
            replacement.options["StampOnReplace"] = "This is the replaced task"
            try await call.context.replace(with: replacement)
        }
    }

    private mutating func registerReplacedByChains() {
        task("add_replaced_with_chain", ["x", "y"]) { call in
            try await call.context.replace(with: .chain([.suite("add", [call["x"], call["y"]]), .suite("identity")]))
        }
        for (name, last, link) in [("replace_with_chain", "identity", "link"), ("replace_with_chain_which_raises", "raise_error", "link_error")] {
            task(name, Parameters(rest: true, keywordOnly: [.optional("link_msg")])) { call in
                let message = call["link_msg"]
                let echo = message.isNull ? Signature.suite("redis_echo") : .suite("redis_echo", [message], immutable: true)
                var replacement = Signature.chain([.suite("identity", call.arguments.rest), .suite(last)])
                replacement.options[link] = [echo.json]
                try await call.context.replace(with: replacement)
            }
        }
        task("replace_with_empty_chain", .rest) { call in try await call.context.replace(with: .chain([])) }
        task("replace_with_chain_which_contains_a_group") { call in
            try await call.context.replace(with: .chain([.suite("add", [1, 2]), .group([.suite("add", [1]), .suite("add", [1])])]))
        }
    }

    /// Two tasks that replace themselves inside each other's replacement.
    private mutating func registerSecondOrder() {
        let marks = marks
        let steps: [(name: String, letter: String, inner: Signature)] = [
            ("second_order_replace1", "A", .suite("second_order_replace2")),
            ("second_order_replace2", "B", .suite("redis_echo", ["In/Out C"])),
        ]
        for step in steps {
            task(step.name, [.optional("state", false)]) { call in
                if PythonArithmetic.isTrue(call["state"]) {
                    try await marks.append(.string("Out \(step.letter)"), to: "redis-echo")
                    return .null
                }
                try await marks.append(.string("In \(step.letter)"), to: "redis-echo")
                try await call.context.replace(with: .chain([step.inner, .suite(step.name, [], ["state": true], immutable: true)]))
            }
        }
    }
}
