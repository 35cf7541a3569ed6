#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Ends the process.
func exit(code: CInt) { exit(code) }

/// Stops the run: libFuzzer keeps the input.
func check(_ holds: Bool, _ law: StaticString) {
    if !holds { fatalError("\(law)") }
}
