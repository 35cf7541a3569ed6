import ApiumCore
import DynamicJSON
import Logging
import Testing

private struct Check: Job {
    static let name = "shop.check"
    typealias Output = [String]
    static let parameters = ["product", "force"]
    var product: Int64
    var force: Bool?

    func run(in context: JobContext) async throws -> [String] { ["\(product)", "\(force ?? false)"] }
}

@Suite("A task's arguments")
struct TaskArgumentsTests {
    private func message(_ arguments: TaskArguments) -> String? {
        do {
            _ = try arguments.decode(Check.self)
            return nil
        } catch {
            return (error as? ApiumError).map { $0.code == .badArguments ? $0.message : "wrong code" }
        }
    }

    @Test("keywords, positions and both together fill a job's members")
    func decode() throws {
        #expect(try TaskArguments(kwargs: ["product": 7]).decode(Check.self).product == 7)
        let positional = try TaskArguments(args: [7, true]).decode(Check.self)
        #expect(positional.product == 7 && positional.force == true)
        #expect(try TaskArguments(args: [7], kwargs: ["force": true]).decode(Check.self).force == true)
        #expect(try TaskArguments(kwargs: ["product": 7, "unknown": 1]).decode(Check.self).force == nil)
    }

    @Test("arguments that do not fit are refused in Python's words")
    func refused() {
        #expect(message(TaskArguments(args: [1, true, 2])) == "shop.check() takes 2 positional arguments but 3 were given")
        #expect(message(TaskArguments(args: [1], kwargs: ["product": 2])) == "shop.check() got multiple values for argument 'product'")
        #expect(message(TaskArguments()) == "shop.check() cannot be called with these arguments")
        #expect(message(TaskArguments(kwargs: ["product": "7"])) == "shop.check() cannot be called with these arguments")
    }

    @Test("a registered job decodes its arguments, runs and encodes its result")
    func registry() async throws {
        var registry = JobRegistry()
        registry.register(Check.self)
        registry.register("echo") { arguments, _ in .array(arguments.args) }
        #expect(registry.names == ["echo", "shop.check"])
        let context = JobContext(
            message: Message(headers: .init(task: "shop.check", id: "i"), body: TaskArguments().encodedBody()), queue: "celery", fence: 1, worker: "w",
            logger: Logger(label: "test"))
        let entry = try #require(registry["shop.check"])
        #expect(try await entry.run(TaskArguments(args: [7]), context) == ["7", "false"])
        await #expect(throws: ApiumError.self) { try await entry.run(TaskArguments(), context) }
        #expect(try await registry["echo"]?.run(TaskArguments(args: [1]), context) == [1])
    }
}
