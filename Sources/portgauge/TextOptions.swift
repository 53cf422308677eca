import ArgumentParser

/// How text is written; JSON is not changed by them.
struct TextOptions: ParsableArguments {
    @Flag(help: "In text, print seconds since the start (+12.345) in place of the time of day.")
    var sinceStart = false

    @Flag(help: "In text, print names of peers in place of addresses, as soon as they are known.")
    var resolve = false
}
