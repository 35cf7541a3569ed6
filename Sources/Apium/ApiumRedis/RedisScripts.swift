import RedisClient

/// The Lua scripts, from `Lua/*.lua`; each says there what it expects and does. `functions.lua`, `turns.lua`,
/// `slots.lua`, `due.lua`, `epoch.lua` and `permits.lua` are no scripts: they stand in front of those that need them.
enum RedisScripts {
    static let register = script("register", PackageResources.register_lua)
    static let open = script("open", PackageResources.open_lua)
    static let complete = script("complete", PackageResources.complete_lua, endFunctions)
    static let acknowledge = script("acknowledge", PackageResources.acknowledge_lua)
    static let renew = script("renew", PackageResources.renew_lua)
    static let expire = script("expire", PackageResources.expire_lua)
    static let returnBatch = script("return", PackageResources.return_lua, PackageResources.functions_lua + permitFunctions)
    static let restore = script("restore", PackageResources.restore_lua, PackageResources.functions_lua)
    static let enqueue = script("enqueue", PackageResources.enqueue_lua, PackageResources.due_lua)
    static let later = script("later", PackageResources.later_lua, PackageResources.due_lua)
    static let promote = script("promote", PackageResources.promote_lua)
    static let janitor = script("janitor", PackageResources.janitor_lua)
    static let leave = script("leave", PackageResources.leave_lua)
    static let revoke = script("revoke", PackageResources.revoke_lua, PackageResources.epoch_lua)
    static let control = script("control", PackageResources.control_lua)
    static let fire = script("fire", PackageResources.fire_lua, slotFunctions + PackageResources.due_lua + PackageResources.epoch_lua)
    static let skip = script("skip", PackageResources.skip_lua, slotFunctions)
    static let adopt = script("adopt", PackageResources.adopt_lua, slotFunctions)
    static let edit = script("edit", PackageResources.edit_lua, PackageResources.functions_lua)
    static let requeue = script("requeue", PackageResources.requeue_lua)
    static let move = script("move", PackageResources.move_lua)
    static let amend = script("amend", PackageResources.amend_lua)
    static let trim = script("trim", PackageResources.trim_lua)
    static let store = script("store", PackageResources.store_lua, PackageResources.functions_lua)
    static let chord = script("chord", PackageResources.chord_lua, PackageResources.functions_lua)
    static let bring = script("bring", PackageResources.bring_lua, PackageResources.functions_lua)
    static let join = script("join", PackageResources.join_lua, PackageResources.functions_lua)
    static let bind = script("bind", PackageResources.bind_lua)
    static let unbind = script("unbind", PackageResources.unbind_lua)
    static let admit = script("admit", PackageResources.admit_lua, permitFunctions)
    static let release = script("release", PackageResources.release_lua, permitFunctions)
    static let unshelve = script("unshelve", PackageResources.unshelve_lua)
    static let purge = script("purge", PackageResources.purge_lua)
    static let unlock = script("unlock", PackageResources.unlock_lua)
    static let hold = script("hold", PackageResources.hold_lua, permitFunctions)
    static let serve = script("serve", PackageResources.serve_lua)
    static let look = script("look", PackageResources.look_lua)
    static let count = script("count", PackageResources.count_lua)
    static let agenda = script("agenda", PackageResources.agenda_lua)

    private static let permitFunctions = PackageResources.due_lua + PackageResources.epoch_lua + PackageResources.permits_lua
    private static let endFunctions = PackageResources.functions_lua + PackageResources.turns_lua + permitFunctions
    private static let slotFunctions = PackageResources.functions_lua + PackageResources.turns_lua + PackageResources.slots_lua

    private static func script(_ name: String, _ source: [UInt8], _ functions: [UInt8] = []) -> RedisScript {
        RedisScript(name: name, source: String(decoding: functions + source, as: UTF8.self))
    }
}
